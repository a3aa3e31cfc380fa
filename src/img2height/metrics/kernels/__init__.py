"""The loops over pixels, compiled by numba on their first call and kept beside the code, or in `NUMBA_CACHE_DIR`.

Each file stands alone and takes the package's constants as arguments: numba compiles again when the file of a loop
changes, not when a file does that it imports. Callers import kernels where they call them, for numba loads slowly.
Inner loops run over slices from 0 on: an index that might be negative keeps the compiler from vector instructions.
"""
