"""Trust regions: how far a quadratic model is believed, and the step that is best within."""
