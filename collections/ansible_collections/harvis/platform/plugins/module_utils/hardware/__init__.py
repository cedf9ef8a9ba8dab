"""What a host has (CPU, memory, GPUs, driver), what is wrong with it, and the share that a release may take.

The share lies in modules of its own (``share``, ``values``): what they import would cost more than the look at a host.
"""
