"""What `wrasse.test_op` is made of: an operator is looked at from all sides."""
