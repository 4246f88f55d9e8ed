/* The dictionaries of pack.c, as they are. */
    .section .rodata
    .global pack_dictionary_1, pack_dictionary_1_end
    .balign 16
pack_dictionary_1:
    .incbin "dictionary_1.zstd"
pack_dictionary_1_end:
    .section .note.GNU-stack, "", %progbits
