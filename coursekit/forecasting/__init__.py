"""A Temporal Fusion Transformer that keeps learning in production (Part IV).

`torch` and `pytorch_forecasting` are imported by the functions that need them, on first use.
"""
