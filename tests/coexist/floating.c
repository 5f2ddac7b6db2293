/* floating [traps]: a program whose floating-point environment is its own: it rounds up, has a flag raised, and with
 * "traps" is stopped by any exception. What its calls have changed is printed. */
#include "../hosts/ask.h"

#include <fenv.h>
#include <xmmintrin.h>

enum { FLAGS = 0x3f, OVERFLOWN = 0x08 };

static unsigned short x87_control(void)
{
    unsigned short word;
    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
}

int main(int argc, char **argv)
{
    struct ask_answers answers;
    int traps = argc > 1 && strcmp(argv[1], "traps") == 0;
    ask_open();
    feclearexcept(FE_ALL_EXCEPT);
    fesetround(FE_UPWARD);
    if (traps)
        feenableexcept(FE_ALL_EXCEPT);
    else
        _mm_setcsr(_mm_getcsr() | OVERFLOWN);
    unsigned before = _mm_getcsr(), after;
    unsigned short word = x87_control(), word_after;
    for (int i = 0; i < 2; i++)
        ask(&answers, ask_dlsym);
    after = _mm_getcsr();
    word_after = x87_control();
    fputs(answers.text, stdout);
    printf("control words: %x %x before, %x %x after\n", before & ~FLAGS, word, after & ~FLAGS, word_after);
    printf("flags: %x before, %x after\n", before & FLAGS, after & FLAGS);
    return 0;
}
