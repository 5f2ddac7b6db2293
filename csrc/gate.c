/* The gate: opening this library runs its constructor with the loader's lock held. What is pending on this thread
 * runs there, so that it takes the loader's lock first and the interpreter's second, as everybody must. */
void vgpu_pass_gate(void);

__attribute__((constructor)) static void pass(void)
{
    vgpu_pass_gate();
}
