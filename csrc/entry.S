/* The entry code: everything that has to keep a caller's registers, stack and return address as they were.
 * Argument registers are rdi rsi rdx rcx r8 r9 xmm0-7 (System V x86-64); r10 and r11 are free at any call. */
#include "vgpu.h"

        .text

/* Jumps if no argument of a slot's function is in a floating-point register, which are half of what there is to save.
 * Changes rax and r10. */
        .macro  floats slot, none
        mov     \slot, %eax
        lea     vgpu_words(%rip), %r10
        lea     (%rax, %rax, 2), %rax
        cmpb    $0, 1(%r10, %rax)
        je      \none
        .endm

/* A call through a slot that wants a verdict. r11d is the slot's number, set by the thunk. */
        .globl  vgpu_entry
        .hidden vgpu_entry
        .type   vgpu_entry, @function
        .p2align 4
vgpu_entry:
        .cfi_startproc
        endbr64
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        sub     $VGPU_FRAME_SIZE, %rsp
        mov     %rdi, VGPU_FRAME_GP + 0(%rsp)
        mov     %rsi, VGPU_FRAME_GP + 8(%rsp)
        mov     %rdx, VGPU_FRAME_GP + 16(%rsp)
        mov     %rcx, VGPU_FRAME_GP + 24(%rsp)
        mov     %r8, VGPU_FRAME_GP + 32(%rsp)
        mov     %r9, VGPU_FRAME_GP + 40(%rsp)
        mov     %rax, VGPU_FRAME_RESULT(%rsp)
        floats  %r11d, 2f
        movaps  %xmm0, VGPU_FRAME_XMM + 0(%rsp)
        movaps  %xmm1, VGPU_FRAME_XMM + 16(%rsp)
        movaps  %xmm2, VGPU_FRAME_XMM + 32(%rsp)
        movaps  %xmm3, VGPU_FRAME_XMM + 48(%rsp)
        movaps  %xmm4, VGPU_FRAME_XMM + 64(%rsp)
        movaps  %xmm5, VGPU_FRAME_XMM + 80(%rsp)
        movaps  %xmm6, VGPU_FRAME_XMM + 96(%rsp)
        movaps  %xmm7, VGPU_FRAME_XMM + 112(%rsp)
2:      lea     16(%rbp), %rax
        mov     %rax, VGPU_FRAME_STACK(%rsp)
        mov     8(%rbp), %rax
        mov     %rax, VGPU_FRAME_CALLER(%rsp)
        mov     %r11d, VGPU_FRAME_SLOT(%rsp)
        mov     %rsp, %rdi
        call    vgpu_enter
        test    %eax, %eax
        mov     VGPU_FRAME_RESULT(%rsp), %rax
        jne     1f
        mov     VGPU_FRAME_TARGET(%rsp), %r11
        mov     VGPU_FRAME_GP + 0(%rsp), %rdi
        mov     VGPU_FRAME_GP + 8(%rsp), %rsi
        mov     VGPU_FRAME_GP + 16(%rsp), %rdx
        mov     VGPU_FRAME_GP + 24(%rsp), %rcx
        mov     VGPU_FRAME_GP + 32(%rsp), %r8
        mov     VGPU_FRAME_GP + 40(%rsp), %r9
        floats  VGPU_FRAME_SLOT(%rsp), 3f
        movaps  VGPU_FRAME_XMM + 0(%rsp), %xmm0
        movaps  VGPU_FRAME_XMM + 16(%rsp), %xmm1
        movaps  VGPU_FRAME_XMM + 32(%rsp), %xmm2
        movaps  VGPU_FRAME_XMM + 48(%rsp), %xmm3
        movaps  VGPU_FRAME_XMM + 64(%rsp), %xmm4
        movaps  VGPU_FRAME_XMM + 80(%rsp), %xmm5
        movaps  VGPU_FRAME_XMM + 96(%rsp), %xmm6
        movaps  VGPU_FRAME_XMM + 112(%rsp), %xmm7
3:      mov     VGPU_FRAME_RESULT(%rsp), %rax
        .cfi_remember_state
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        jmp     *%r11
1:      .cfi_restore_state
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        ret
        .cfi_endproc
        .size   vgpu_entry, . - vgpu_entry

/* A call whose answer is a number that was settled before. */
        .globl  vgpu_constant
        .hidden vgpu_constant
        .type   vgpu_constant, @function
        .p2align 4
vgpu_constant:
        .cfi_startproc
        endbr64
        mov     %r11d, %r11d
        lea     vgpu_constants(%rip), %r10
        mov     (%r10, %r11, 8), %rax
        ret
        .cfi_endproc
        .size   vgpu_constant, . - vgpu_constant

/* void vgpu_call(void *function, struct vgpu_frame *frame, uint32_t stack_words): the call again, as it came. */
        .globl  vgpu_call
        .hidden vgpu_call
        .type   vgpu_call, @function
        .p2align 4
vgpu_call:
        .cfi_startproc
        endbr64
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        push    %rbx
        .cfi_offset %rbx, -24
        sub     $8, %rsp
        mov     %rsi, %rbx
        mov     %rdi, %r11
        mov     %edx, %ecx
        lea     15(, %rcx, 8), %rax
        and     $-16, %rax
        sub     %rax, %rsp
        mov     VGPU_FRAME_STACK(%rbx), %rsi
1:      sub     $1, %ecx
        jb      2f
        mov     (%rsi, %rcx, 8), %rax
        mov     %rax, (%rsp, %rcx, 8)
        jmp     1b
2:
        mov     VGPU_FRAME_GP + 0(%rbx), %rdi
        mov     VGPU_FRAME_GP + 8(%rbx), %rsi
        mov     VGPU_FRAME_GP + 16(%rbx), %rdx
        mov     VGPU_FRAME_GP + 24(%rbx), %rcx
        mov     VGPU_FRAME_GP + 32(%rbx), %r8
        mov     VGPU_FRAME_GP + 40(%rbx), %r9
        floats  VGPU_FRAME_SLOT(%rbx), 3f
        movaps  VGPU_FRAME_XMM + 0(%rbx), %xmm0
        movaps  VGPU_FRAME_XMM + 16(%rbx), %xmm1
        movaps  VGPU_FRAME_XMM + 32(%rbx), %xmm2
        movaps  VGPU_FRAME_XMM + 48(%rbx), %xmm3
        movaps  VGPU_FRAME_XMM + 64(%rbx), %xmm4
        movaps  VGPU_FRAME_XMM + 80(%rbx), %xmm5
        movaps  VGPU_FRAME_XMM + 96(%rbx), %xmm6
        movaps  VGPU_FRAME_XMM + 112(%rbx), %xmm7
3:      mov     VGPU_FRAME_RESULT(%rbx), %rax
        call    *%r11
        mov     %rax, VGPU_FRAME_RESULT(%rbx)
        mov     -8(%rbp), %rbx
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbx
        .cfi_restore %rbp
        ret
        .cfi_endproc
        .size   vgpu_call, . - vgpu_call

/* int vgpu_on_stack(void *top, int (*function)(void *), void *argument): calls it on another stack. */
        .globl  vgpu_on_stack
        .hidden vgpu_on_stack
        .type   vgpu_on_stack, @function
        .p2align 4
vgpu_on_stack:
        .cfi_startproc
        endbr64
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        mov     %rdi, %rsp
        mov     %rdx, %rdi
        call    *%rsi
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        ret
        .cfi_endproc
        .size   vgpu_on_stack, . - vgpu_on_stack

/* The loader's functions. `\decide` (arguments…, return address) gives the answer in rax and in rdx the function to
 * leave by, or NULL where rax is final. Leaving is a jump: the loader identifies its caller by the return address,
 * and RTLD_NEXT, RUNPATH, $ORIGIN and dlerror depend on who that is. They carry libc's versions: an interposer before us
 * asks for the next dlsym by dlvsym. */
        .macro  lookup name, decide
        .type   entry_\name, @function
        .p2align 4
entry_\name:
        .cfi_startproc
        endbr64
        push    %rdi
        .cfi_adjust_cfa_offset 8
        push    %rsi
        .cfi_adjust_cfa_offset 8
        push    %rdx
        .cfi_adjust_cfa_offset 8
        mov     24(%rsp), %rcx
        call    \decide
        mov     %rdx, %r11
        pop     %rdx
        .cfi_adjust_cfa_offset -8
        pop     %rsi
        .cfi_adjust_cfa_offset -8
        pop     %rdi
        .cfi_adjust_cfa_offset -8
        test    %r11, %r11
        je      1f
        .ifc    \name, dlopen
        mov     %rax, %rdi
        .endif
        jmp     *%r11
1:      ret
        .cfi_endproc
        .size   entry_\name, . - entry_\name
        .set    entry_older_\name, entry_\name
        .globl  entry_\name, entry_older_\name
        .symver entry_\name, \name@@GLIBC_2.34, remove
        .symver entry_older_\name, \name@GLIBC_2.2.5, remove
        .endm

        lookup  dlopen, vgpu_dlopen
        lookup  dlsym, vgpu_dlsym
        lookup  dlvsym, vgpu_dlvsym

        .section .note.GNU-stack, "", @progbits

/* Indirect branch tracking and shadow stack: every entry above starts with endbr64 and returns where it was called. */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000002, 4, 3, 0
