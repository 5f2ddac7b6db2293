int private_answer(void);

int private_answer(void)
{
    return 42;
}
