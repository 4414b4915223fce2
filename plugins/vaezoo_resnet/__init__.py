"""Residual networks: any timm backbone as encoder, a mirrored decoder."""
