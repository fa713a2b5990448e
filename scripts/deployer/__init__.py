"""Puts a docker-compose application on every instance of an Auto Scaling group, and proves it."""

__version__ = "1.0.0"
