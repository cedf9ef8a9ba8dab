"""Getting third-party programs: cache, then the official download pinned by digest, then a build from Go modules."""
