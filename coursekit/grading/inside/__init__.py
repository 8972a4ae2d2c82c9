"""All code that runs beside a student's code: standard library, numpy and IPython only, mounted
alone into a sandbox.
"""
