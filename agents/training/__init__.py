"""How the agent learns: settings, rollouts, losses and the two training loops."""
