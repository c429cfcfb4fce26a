"""How good an answer is, and the baselines that need no training."""
