/* base/file_mark.h - where the code of this file begins, and its name, as eight bytes beside the
 * program: base/code.h finds by them which file an address is of, also in a stripped program.
 *
 * The Makefile puts it in front of every file and sets RAGGED_SOURCE. Compilers write assembler of
 * file scope before all functions. */
#ifndef RAGGED_BASE_FILE_MARK_H
#define RAGGED_BASE_FILE_MARK_H

#ifdef RAGGED_SOURCE
__asm__(".pushsection .text\n"
        "1:\n"
        ".popsection\n"
        ".pushsection ragged_files, \"a\"\n"
        ".balign 4\n"
        ".long 1b - .\n"
        ".long 2f - .\n"
        ".popsection\n"
        ".pushsection .rodata.str1.1, \"aMS\", %progbits, 1\n"
        "2: .asciz \"" RAGGED_SOURCE "\"\n"
        ".popsection\n");
#endif

#endif
