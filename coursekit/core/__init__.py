"""The words everything speaks: events, errors, state, streams, data sets, metrics, evaluation,
figures.
"""
