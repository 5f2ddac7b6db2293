/* confined PROGRAM…: runs a program under a system-call filter that refuses what Docker's default profile refuses to a
 * container without added capabilities: EPERM, and ENOSYS for clone3. That profile lists what it allows; here is what
 * it says it blocks, with today's additions. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int refused[] = {
    SYS_acct,
    SYS_add_key,
    SYS_bpf,
    SYS_clock_adjtime,
    SYS_clock_settime,
    SYS_create_module,
    SYS_delete_module,
    SYS_fanotify_init,
    SYS_finit_module,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fsopen,
    SYS_fspick,
    SYS_get_kernel_syms,
    SYS_get_mempolicy,
    SYS_init_module,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_ioperm,
    SYS_io_uring_setup,
    SYS_iopl,
    SYS_kcmp,
    SYS_kexec_file_load,
    SYS_kexec_load,
    SYS_keyctl,
    SYS_lookup_dcookie,
    SYS_mbind,
    SYS_mount,
    SYS_mount_setattr,
    SYS_move_mount,
    SYS_move_pages,
    SYS_nfsservctl,
    SYS_open_by_handle_at,
    SYS_open_tree,
    SYS_perf_event_open,
    SYS_personality,
    SYS_pivot_root,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_ptrace,
    SYS_query_module,
    SYS_quotactl,
    SYS_reboot,
    SYS_request_key,
    SYS_set_mempolicy,
    SYS_setdomainname,
    SYS_sethostname,
    SYS_setns,
    SYS_settimeofday,
    SYS_swapoff,
    SYS_swapon,
    SYS__sysctl,
    SYS_sysfs,
    SYS_syslog,
    SYS_umount2,
    SYS_unshare,
    SYS_uselib,
    SYS_userfaultfd,
    SYS_ustat,
    SYS_vhangup,
};
enum { REFUSED = sizeof refused / sizeof *refused, NAMESPACES = 0x7e020000 };

#define LOAD(field)       (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value)     (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, value)
#define UNLESS(number, n) (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, n)

static int confine(void)
{
    struct sock_filter filter[3 + 2 * REFUSED + 16];
    struct sock_fprog program = {0, filter};
    unsigned short n = 0;

    filter[n++] = LOAD(arch);
    filter[n++] = UNLESS(AUDIT_ARCH_X86_64, 1);
    filter[n++] = LOAD(nr);
    for (int i = 0; i < REFUSED; i++) {
        filter[n++] = UNLESS(refused[i], 1);
        filter[n++] = RETURN(SECCOMP_RET_ERRNO | EPERM);
    }
    filter[n++] = UNLESS(SYS_clone3, 1);
    filter[n++] = RETURN(SECCOMP_RET_ERRNO | ENOSYS);
    filter[n++] = UNLESS(SYS_clone, 3);
    filter[n++] = LOAD(args[0]);
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 0, 1);
    filter[n++] = RETURN(SECCOMP_RET_ERRNO | EPERM);
    filter[n++] = RETURN(SECCOMP_RET_ALLOW);
    program.len = n;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
    if (argc < 2 || confine() != 0) {
        perror("confined: no filter");
        return 99;
    }
    if (unshare(CLONE_NEWNS) != -1 || errno != EPERM || syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS) {
        fputs("confined: the filter is not in force\n", stderr);
        return 99;
    }
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 99;
}
