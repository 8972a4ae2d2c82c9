"""Part I: learners, drift detectors, adaptation and online optimisation."""
