"""What the API takes and gives: the contract that the reference shows and that answers are held to."""
