# The lean wolfSSL of scripts/wolfssl.sh, or the distribution's with -DRINGTAIL_WOLFSSL=system.
add_library(wolfssl INTERFACE)
if(RINGTAIL_WOLFSSL STREQUAL "lean")
    execute_process(COMMAND dpkg --print-architecture OUTPUT_VARIABLE arch
                    OUTPUT_STRIP_TRAILING_WHITESPACE)
    set(prefix "${RINGTAIL_CACHE}/wolfssl/${arch}")
    if(NOT EXISTS "${prefix}/lib/libwolfssl.a")
        message(FATAL_ERROR "${prefix}/lib/libwolfssl.a is not there: run scripts/wolfssl.sh first "
                            "(scripts/run.sh and scripts/test.sh do), or configure with "
                            "-DRINGTAIL_WOLFSSL=system")
    endif()
    target_include_directories(wolfssl SYSTEM INTERFACE ${prefix}/include ${prefix})
    target_compile_definitions(wolfssl INTERFACE WOLFSSL_USER_SETTINGS)
    target_link_libraries(wolfssl INTERFACE ${prefix}/lib/libwolfssl.a m Threads::Threads)
else()
    pkg_check_modules(WOLFSSL REQUIRED IMPORTED_TARGET wolfssl)
    target_compile_definitions(wolfssl INTERFACE RINGTAIL_WOLFSSL_SYSTEM)
    target_link_libraries(wolfssl INTERFACE PkgConfig::WOLFSSL)
endif()
