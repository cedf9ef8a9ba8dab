"""What is looked at before anything is changed: everything wrong with a host, in one go."""
