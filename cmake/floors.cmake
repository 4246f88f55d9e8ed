# A floor is a library. It sees the headers of the floors below it and no others, because a folder
# is on the search path of "quoted" includes only for the floors that name it.

function(ringtail_own_code target)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Werror -Wswitch-enum -Wconversion
                           -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes
                           -Wshadow -fno-common)
    # mail.c orders its sleep flag by fences, which TSan does not follow; the flag is atomic and
    # guards no plain data, so nothing is missed. tests/model proves the fences.
    if(RINGTAIL_SANITIZE STREQUAL "thread" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${target} PRIVATE -Wno-tsan)
    endif()
    if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
        target_compile_options(${target} PRIVATE -Wno-gnu-variable-sized-type-not-at-end)
    endif()
endfunction()

function(ringtail_floor name)
    cmake_parse_arguments(F "" "DIR" "FLOORS;LIBRARIES;EXCLUDE;SOURCES" ${ARGN})
    if(F_DIR)
        file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${F_DIR}/*.c)
        foreach(excluded ${F_EXCLUDE})
            list(FILTER sources EXCLUDE REGEX "/${excluded}$")
        endforeach()
    else()
        set(sources ${F_SOURCES})
    endif()
    add_library(${name} STATIC ${sources})
    if(F_DIR)
        target_compile_options(${name} PUBLIC "SHELL:-iquote ${CMAKE_SOURCE_DIR}/${F_DIR}")
    endif()
    target_link_libraries(${name} PUBLIC ${F_FLOORS} PRIVATE ${F_LIBRARIES})
    ringtail_own_code(${name})
endfunction()

if(NOT RINGTAIL_SANITIZE STREQUAL "")
    add_compile_options(-fsanitize=${RINGTAIL_SANITIZE} -fno-omit-frame-pointer
                        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${RINGTAIL_SANITIZE})
endif()
