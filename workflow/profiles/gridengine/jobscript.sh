#!/bin/bash
# properties = {properties}
# The signal before the walltime goes to every process of a job. Only trainings act on it; the others ignore it.
trap '' USR1
{exec_job}
