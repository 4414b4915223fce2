"""What is minimised: the interface of a loss, the negative bound, the loss of restoration, model and loss in one."""
