"""Residual networks: any timm backbone as encoder, with a mirrored decoder."""
