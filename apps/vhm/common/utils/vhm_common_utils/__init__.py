"""What the memory workers share: configuration, data models, embeddings, the store and the consumer loop."""
