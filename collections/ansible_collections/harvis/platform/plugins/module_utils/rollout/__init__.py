"""What the pods of a platform do, and why: waiting, crashed, killed, evicted, restarted, on which image and limits."""
