"""What the workers share."""
