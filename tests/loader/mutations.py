"""The safeguards, each with the change that takes it out and the tests that notice.

`pytest tests/loader` tries some of them, `pytest tests/loader --all-mutations` all, and writes docs/mutations.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """A safeguard, what is changed in the source so that it is gone, and which tests are red then.

    old      what stands in the file, once; new: what stands there instead
    red      ids of tests, relative to tests/: each fails with the change and passes without
    also     further (old, new) of the same file, where one place is not enough
    quick    tried in each run of the tests
    python   the only minor version of Python where the safeguard matters
    limit    seconds after which a program of these tests is taken to hang
    """

    name: str
    safeguard: str
    file: str
    old: str
    new: str
    red: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()
    quick: bool = False
    python: int | None = None
    limit: float = 15


MEANING = "loader/test_meaning.py::"
NATIVE = "test_native.py::"

MUTATIONS = (
    # ---- lookups ----
    Mutation(
        "dlsym-jump",
        "dlsym leaves by a jump, so that the loader sees who asks",
        "entry.S",
        "        jmp     *%r11\n1:      ret\n",
        """\
        .ifc    \\name, dlsym
        sub     $8, %rsp
        call    *%r11
        add     $8, %rsp
        ret
        .endif
        jmp     *%r11
1:      ret
""",
        (
            f"{MEANING}test_rtld_next_finds_what_comes_next_and_twice_the_same",
            f"{MEANING}test_a_lookup_by_default_begins_with_who_asks",
            f"{MEANING}test_a_program_sees_what_it_saw[rtld_next-none]",
        ),
        quick=True,
    ),
    Mutation(
        "dlopen-jump",
        "dlopen leaves by a jump, so that RUNPATH and $ORIGIN are the asking library's",
        "entry.S",
        "        jmp     *%r11\n1:      ret\n",
        """\
        .ifc    \\name, dlopen
        sub     $8, %rsp
        call    *%r11
        add     $8, %rsp
        ret
        .endif
        jmp     *%r11
1:      ret
""",
        (
            f"{MEANING}test_a_library_s_runpath_is_the_library_s",
            f"{MEANING}test_a_program_sees_what_it_saw[runpath-none]",
        ),
        quick=True,
    ),
    Mutation(
        "exact-names",
        "names are compared whole, not by how they begin",
        "stub.c",
        "        if (entry == 0)\n            return -1;\n",
        "        if (entry == 0)\n            return name[0] == 'c' && name[1] == 'u' ? 0 : -1;\n",
        (
            f"{MEANING}test_a_lookup_by_default_begins_with_who_asks",
            f"{MEANING}test_a_program_sees_what_it_saw[local_scope-none]",
        ),
        quick=True,
    ),
    Mutation(
        "driver-lookups",
        "what the driver's own libraries look up is not touched",
        "stub.c",
        " && !vgpu_site(caller).of_driver;",
        ";",
        (
            f"{NATIVE}test_the_drivers_own_lookups_are_its_own[discover-cuInit-none]",
            f"{NATIVE}test_the_drivers_own_lookups_are_its_own[discover-cuInit-forward]",
            f"{NATIVE}test_the_driver_does_not_find_us_in_the_program[discover-cuInit-none]",
        ),
        quick=True,
    ),
    Mutation(
        "driver-calls",
        "what the driver's own libraries call is not asked about",
        "stub.c",
        "if (ready && !site.of_driver)",
        "if (ready)",
        (f"{MEANING}test_the_driver_s_own_libraries_see_the_driver",),
    ),
    Mutation(
        "driver-default",
        "the driver finds itself in the program where it would without us",
        "stub.c",
        "handle == RTLD_DEFAULT && of_driver ? vgpu_next(name) : NULL",
        "handle == RTLD_DEFAULT && of_driver ? value : NULL",
        (f"{NATIVE}test_the_driver_does_not_find_us_in_the_program[routes-constructor-]",),
    ),
    Mutation(
        "rtld-next",
        "RTLD_NEXT always leaves by the jump: whoever asks for what comes next must not get what comes before",
        "stub.c",
        "name && handle != RTLD_NEXT ? vgpu_slot_of(name)",
        "name ? vgpu_slot_of(name)",
        (
            f"{MEANING}test_rtld_next_finds_what_comes_next_and_twice_the_same",
            f"{MEANING}test_a_program_sees_what_it_saw[rtld_next-none]",
        ),
    ),
    Mutation(
        "getproc-address",
        "cuGetProcAddress gives the thunk of the function that the driver chose, not of the name",
        "driver.c",
        "int slot = function ? vgpu_driver_slot(*function) : -1;",
        "int slot = function ? vgpu_slot_of(symbol) : -1;",
        (
            f"{NATIVE}test_cu_get_proc_address_gives_the_version_that_the_driver_gives[False]",
            f"{MEANING}test_a_program_sees_what_it_saw[get_proc_address-none]",
        ),
        quick=True,
    ),
    Mutation(
        "namesake",
        "what was found is known by its address: a namesake in another library is left alone",
        "stub.c",
        "    if (!vgpu_is_thunk(value)) /* a namesake in another library, or not found */\n"
        "        return (struct lookup){value, NULL};\n",
        "",
        (
            f"{MEANING}test_a_library_s_own_function_of_a_driver_s_name_is_its_own[other-first]",
            f"{MEANING}test_a_library_s_own_function_of_a_driver_s_name_is_its_own[driver-first]",
            f"{MEANING}test_a_program_sees_what_it_saw[namesake-none]",
        ),
    ),
    Mutation(
        "opening",
        "while a thread opens the driver, what the driver's constructor calls is forwarded and starts nothing",
        "driver.c",
        "    thread->opening = true;\n",
        "",
        (f"{MEANING}test_python_does_not_start_within_the_driver_s_constructor",),
    ),
    Mutation(
        "missing",
        "a name that the driver does not have stays missing",
        "stub.c",
        "    if (vgpu_is_virtual() || vgpu_real(slot))\n        return hand_out(name, slot);\n",
        "    return hand_out(name, slot);\n",
        (
            f"{NATIVE}test_a_name_that_the_driver_lacks_stays_missing[False]",
            f"{NATIVE}test_a_name_that_the_driver_lacks_stays_missing[True]",
        ),
    ),
    Mutation(
        "next-interposer",
        "the next dlsym in load order is asked, not libc's",
        "elf.c",
        "        found = vgpu_symbol(o, name);\n    /* We were not",
        '        found = vgpu_symbol(o, "gnu_get_libc_version") ? vgpu_symbol(o, name) : NULL;\n    /* We were not',
        (f"{MEANING}test_two_interposers_both_live[after]",),
    ),
    Mutation(
        "file-versions",
        "a listed library's file name may have a version of several parts",
        "stub.c",
        "(alias[length - 1] != 'o' && name[length] == '.')",
        "false",
        (
            f"{MEANING}test_files_with_versions_are_found_where_there_is_no_driver[]",
            f"{MEANING}test_files_with_versions_are_found_where_there_is_no_driver[/nowhere/lib64/]",
        ),
    ),
    Mutation(
        "driver-versions",
        "the driver's file is named after the driver's version",
        "stub.c",
        "strncmp(name, alias, stem + 4) == 0 && name[stem + 3] == '.'",
        "strcmp(name, alias) == 0",
        (
            f"{MEANING}test_files_with_versions_are_found_where_there_is_no_driver[]",
            f"{MEANING}test_files_with_versions_are_found_where_there_is_no_driver[/nowhere/lib64/]",
        ),
    ),
    Mutation(
        "symbol-versions",
        "the loader's functions carry libc's versions, which an interposer before us asks for",
        "entry.S",
        "        .symver entry_\\name, \\name@@GLIBC_2.34, remove\n",
        "        .symver entry_\\name, \\name@@GLIBC_2.2.5, remove\n",
        (f"{MEANING}test_two_interposers_both_live[before]",),
        also=(("        .symver entry_older_\\name, \\name@GLIBC_2.2.5, remove\n", ""),),
    ),
    Mutation(
        "errno-dlsym",
        "dlsym leaves errno alone",
        "stub.c",
        """\
        answer = listed(handle, name, NULL, slot, caller);
    errno = saved;
""",
        """\
        answer = listed(handle, name, NULL, slot, caller);
    (void)saved;
""",
        (f"{MEANING}test_errno_is_left_alone[dlsym-forwards]",),
    ),
    Mutation(
        "errno-dlopen",
        "dlopen leaves errno alone",
        "stub.c",
        "    answered(&answer, VGPU_SLOT_dlopen, path, (void *)(intptr_t)flags, NULL, caller);\n    errno = saved;\n",
        "    answered(&answer, VGPU_SLOT_dlopen, path, (void *)(intptr_t)flags, NULL, caller);\n    (void)saved;\n",
        (f"{MEANING}test_errno_is_left_alone[dlopen-forwards]",),
    ),
    Mutation(
        "errno-call",
        "a call leaves errno alone",
        "stub.c",
        "    }\n    errno = saved;\n    return verdict != VGPU_FORWARDED;\n",
        "    }\n    (void)saved;\n    return verdict != VGPU_FORWARDED;\n",
        (f"{MEANING}test_errno_is_left_alone[call-forwards]",),
    ),
    # ---- calls ----
    Mutation(
        "entry-registers",
        "a call that is not answered leaves with the registers as they came",
        "entry.S",
        "        movaps  VGPU_FRAME_XMM + 16(%rsp), %xmm1\n",
        "        xorps   %xmm1, %xmm1\n",
        ("test_arrival.py::test_every_argument_arrives[none]",),
        also=(("        movaps  %xmm1, VGPU_FRAME_XMM + 16(%rsp)\n", ""),),
    ),
    Mutation(
        "call-registers",
        "forward() makes the call with all argument registers",
        "entry.S",
        "        mov     VGPU_FRAME_GP + 40(%rbx), %r9\n",
        "",
        ("test_arrival.py::test_every_argument_arrives[forward]",),
        quick=True,
    ),
    Mutation(
        "call-stack",
        "forward() makes the call with the arguments on the stack",
        "entry.S",
        "        mov     %rax, (%rsp, %rcx, 8)\n",
        "",
        ("test_arrival.py::test_every_argument_arrives[forward]",),
    ),
    Mutation(
        "once",
        "a hook that fails after it has forwarded does not make the call happen twice",
        "embed.c",
        " != 0 || frame->forwarded;",
        " != 0;",
        (
            f"{NATIVE}test_a_hook_that_raises_costs_its_verdict_only[call.forward(); return "
            "type('Odd', (int,), {'__and__': lambda *_: 1 / 0})(0)-a defect of vgpu_embed]",
        ),
    ),
    Mutation(
        "floating",
        "Python computes as usual in a program that rounds otherwise",
        "embed.c",
        "    thread->floating = floating_now();\n    set_floating(PYTHON_FLOATING);\n    return outer;\n",
        "    thread->floating = floating_now();\n    return outer;\n",
        ("coexist/test_nothing_lost.py::test_a_hook_computes_as_usual_in_a_program_that_rounds_up",),
    ),
    # ---- the interpreter ----
    Mutation(
        "touched-keys",
        "a thread's reserved keys are touched by the C library that will free their blocks",
        "embed.c",
        "    for (int i = 0; i < KEYS; i++) {\n"
        "        pthread_setspecific(reserved_keys[i], thread);\n"
        "        pthread_setspecific(reserved_keys[i], NULL);\n"
        "    }\n",
        "",
        (
            "embed/test_thread_data.py::test_slots_that_only_the_interpreter_uses_are_freed_by_whoever_allocated_them[223]",
        ),
    ),
    Mutation(
        "confined-keys",
        "the namespace's C library has the reserved keys only",
        "embed.c",
        "    while (create(&key, NULL) == 0)\n        ;\n    for (int i = 0; i < KEYS; i++)\n",
        "    (void)create, (void)key;\n    for (int i = KEYS; i < KEYS; i++)\n",
        (
            "embed/test_thread_data.py::test_a_program_s_keys_keep_their_values[0-700]",
            "embed/test_thread_data.py::test_a_program_s_keys_keep_their_values[400-400]",
        ),
    ),
    Mutation(
        "first-keys",
        "the program's first keys are put back after libpython's constructor has set one",
        "embed.c",
        "        pthread_setspecific(i, mine[i]);\n",
        "        (void)mine[i];\n",
        ("embed/test_thread_data.py::test_a_program_s_keys_keep_their_values[29-3]",),
        python=13,
    ),
    Mutation(
        "environment",
        "the namespace has an environment of its own",
        "embed.c",
        "    *theirs = vgpu_environment;\n",
        "",
        (
            "embed/test_inner_environment.py::test_a_policy_sees_the_variables_of_the_program_without_the_preloading",
            "embed/test_inner_environment.py::test_what_a_policy_starts_is_not_under_the_policy"
            "[subprocess.run([lookup], stdout=-1).stdout.decode()-top]",
        ),
    ),
    Mutation(
        "inherited",
        "what a policy starts is not under that policy",
        "embed.c",
        '    return strncmp(variable, "VGPU_DISABLE=", 13) != 0 && strncmp(variable, "LD_PRELOAD=", 11) != 0;\n',
        "    return *variable != 0;\n",
        ("embed/test_inner_environment.py::test_a_policy_sees_the_variables_of_the_program_without_the_preloading",),
    ),
    Mutation(
        "wipe-on-fork",
        "a child that was made past the fork handlers leaves the interpreter alone",
        "embed.c",
        "    if (not_forked && __atomic_load_n(not_forked, __ATOMIC_RELAXED))\n        return true;\n",
        "    if (not_forked)\n        return true;\n",
        (
            "embed/test_fork.py::test_a_child_made_past_the_fork_handlers_is_forwarded_and_says_so[_Fork]",
            "embed/test_fork.py::test_a_child_made_past_the_fork_handlers_is_forwarded_and_says_so[clone]",
        ),
    ),
    Mutation(
        "fork-handlers",
        "handlers take Python through fork",
        "embed.c",
        "opened = pthread_atfork(before_fork, after_fork_parent, after_fork_child) == 0;",
        "opened = before_fork && after_fork_parent && after_fork_child;",
        (
            "embed/test_fork.py::test_hooks_and_what_python_does_at_fork_run_in_the_child",
            "embed/test_fork.py::test_multiprocessing_meets_the_policy[fork]",
        ),
    ),
    Mutation(
        "fork-start",
        "a child made during the start does not wait for a thread that it does not have",
        "embed.c",
        "    if (state == VGPU_STARTING)\n        state = VGPU_FAILED;",
        "",
        ("embed/test_fork.py::test_a_child_made_during_the_start_is_forwarded",),
    ),
    Mutation(
        "borrowed-stack",
        "a thread with a short stack enters Python on another one",
        "embed.c",
        "    if (!stack_is_short(thread) || is_on_own_stack(thread))\n        return function(argument);\n",
        "    if (thread || stack_is_short(thread) || is_on_own_stack(thread))\n        return function(argument);\n",
        (
            "embed/test_first_entry.py::test_the_first_call_gets_the_policy_s_answer[-stack 16]",
            "embed/test_first_entry.py::test_a_hook_that_logs_and_calls_deeply_has_stack_enough[alternate_stack]",
        ),
        quick=True,
    ),
    Mutation(
        "gate",
        "a start holds the loader's lock from its beginning",
        "embed.c",
        "        on_enough_stack(start_through_gate, NULL);\n",
        "        (void)start_through_gate, in_python(call_void, &(void (*)(void)){start});\n",
        ("embed/test_loader_lock.py::test_a_library_s_constructor_may_call_while_a_start_imports[late]",),
    ),
    Mutation(
        "gate-time",
        "who waits for a start goes on without the policy after a while",
        "embed.c",
        "        if (now() >= until) {",
        "        if (until < 0) {",
        (
            "embed/test_failures.py::test_waiting_threads_go_on_without_the_policy_after_the_time_limit[threads]",
            "embed/test_failures.py::test_waiting_threads_go_on_without_the_policy_after_the_time_limit[later_threads]",
        ),
    ),
    Mutation(
        "retry",
        "a failure that may pass is tried again",
        "embed.c",
        "    retry_at = next == VGPU_READY || retry == 0 ? 0 : now() + retry;\n",
        "    retry_at = next == VGPU_READY || retry == 0 ? 0 : 0 * now();\n",
        (
            "embed/test_failures.py::test_a_start_that_fails_for_want_of_descriptors_is_tried_again",
            "embed/test_failures.py::test_a_policy_s_file_that_cannot_be_read_for_the_moment_is_tried_again",
        ),
    ),
    Mutation(
        "thread-end",
        "a thread's Python state ends with it",
        "embed.c",
        "pthread_key_create(&thread_key, end_thread)",
        "pthread_key_create(&thread_key, end_thread ? NULL : end_thread)",
        ("embed/test_threads.py::test_a_thread_s_end_is_the_end_of_its_python_state",),
        quick=True,
    ),
    Mutation(
        "shown-thread",
        "the program's C library has seen a thread before one is made inside",
        "embed.c",
        "        show_a_thread();\n",
        "        (void)show_a_thread;\n",
        ("embed/test_threads.py::test_a_policy_s_threads_and_a_program_that_has_none_share_the_heap",),
        limit=60,
    ),
    Mutation(
        "exit",
        "a program ends while one of its threads is in Python",
        "embed.c",
        "        __atomic_load_n(&inside_count, __ATOMIC_RELAXED) == 0)\n",
        "        true)\n",
        ("embed/test_exit.py::test_a_program_ends_with_its_threads_in_python[never lets go of the lock]",),
    ),
)
