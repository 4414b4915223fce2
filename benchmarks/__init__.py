"""Measurements that become tables and figures of the documentation. Not part of the installed package."""
