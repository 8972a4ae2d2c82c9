"""Part II: shipping models. The registry of versions, experiments, bandits."""
