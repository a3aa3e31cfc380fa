"""Prediction intervals of heights that hold: calibrated on the errors in the validation area, for any method."""
