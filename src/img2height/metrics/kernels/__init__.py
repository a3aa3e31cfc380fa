"""The loops over pixels, compiled by numba on their first call and cached next to the code, or in `NUMBA_CACHE_DIR`.

Each file is self-contained and takes the package's constants as arguments, because numba recompiles when the file of a
loop changes, but not when a file that it imports does. Callers import kernels where they call them, because numba loads
slowly. Inner loops start at 0: an index that might be negative prevents the compiler from using vector instructions.
"""
