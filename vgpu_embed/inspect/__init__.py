"""What can be learnt from outside: ELF files, the driver, what processes have mapped."""
