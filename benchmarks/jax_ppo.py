"""Recurrent PPO in JAX on gymnax's Catch, in the style of PureJaxRL: environment, rollout and update are one program.

It has the settings of our preset of Catch: rows, steps of a rollout, epochs, minibatches, learning rate, and networks
of the same sizes (two layers, an LSTM, heads for action and value). It chooses no location, since gymnax's Catch shows
the whole board. It runs in a virtual environment of its own (benchmarks/requirements-jax.txt).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

BOARD = 50
"""Numbers in an observation of gymnax's Catch."""
DISCOUNT, GAE_LAMBDA, CLIP_RANGE, BASELINE_WEIGHT, ENTROPY_WEIGHT, MAX_GRAD_NORM = 1.0, 0.8, 0.2, 4.0, 0.01, 1.0


def operations_per_step(hidden: int, features: int, core: int) -> int:
    """Count the floating-point operations of one forward step of one row: two for each weight of each matrix."""
    return 2 * (BOARD * hidden + hidden * features + 4 * core * (features + core) + core * (3 + 1))


def catch(
    num_envs: int,
    steps: int,
    epochs: int,
    minibatches: int,
    hidden: int,
    features: int,
    core: int,
    learning_rate: float,
    iterations: int = 1,
) -> Callable[[], int]:
    """Train; units are frames.

    Args:
        num_envs: Rows of the environment.
        steps: Steps of a rollout.
        epochs: Passes over each rollout.
        minibatches: Minibatches of a rollout, each of whole rows.
        hidden: Units of the first layer.
        features: Units of the second layer.
        core: Units of the LSTM.
        learning_rate: Of Adam.
        iterations: Iterations of a call.
    """
    import gymnax
    import jax
    import jax.numpy as jnp
    import optax

    env, parameters = gymnax.make("Catch-bsuite")
    reset = jax.vmap(env.reset, in_axes=(0, None))
    step_env = jax.vmap(env.step, in_axes=(0, 0, 0, None))
    optimizer = optax.chain(optax.clip_by_global_norm(MAX_GRAD_NORM), optax.adam(learning_rate, eps=1e-5))

    def linear(key: Any, inputs: int, outputs: int, gain: float) -> dict[str, Any]:
        return {"w": jax.nn.initializers.orthogonal(gain)(key, (inputs, outputs)), "b": jnp.zeros(outputs)}

    def initial_weights(key: Any) -> dict[str, Any]:
        keys = jax.random.split(key, 6)
        return {
            "first": linear(keys[0], BOARD, hidden, 2**0.5),
            "second": linear(keys[1], hidden, features, 2**0.5),
            "from_features": linear(keys[2], features, 4 * core, 1.0),
            "from_core": linear(keys[3], core, 4 * core, 1.0),
            "action": linear(keys[4], core, 3, 0.01),
            "value": linear(keys[5], core, 1, 1.0),
        }

    def apply(layer: dict[str, Any], x: Any) -> Any:
        return x @ layer["w"] + layer["b"]

    def forward(weights: dict[str, Any], state: Any, observation: Any, starts: Any) -> Any:
        """Read a sequence, time first: return the state after it, log-probabilities (T, B, 3) and values (T, B)."""
        x = jax.nn.relu(apply(weights["first"], observation))
        x = apply(weights["from_features"], jax.nn.relu(apply(weights["second"], x)))  # for all steps at once

        def cell(state: Any, inputs: Any) -> Any:
            x, start = inputs
            h, c = (jnp.where(start[:, None], 0.0, each) for each in state)
            i, f, g, o = jnp.split(x + apply(weights["from_core"], h), 4, axis=-1)
            c = jax.nn.sigmoid(f + 1) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        state, h = jax.lax.scan(cell, state, (x, starts))
        return state, jax.nn.log_softmax(apply(weights["action"], h)), apply(weights["value"], h)[..., 0]

    def loss(weights: dict[str, Any], batch: dict[str, Any]) -> Any:
        _, log_probs, value = forward(weights, batch["state"], batch["observation"], batch["start"])
        log_prob = jnp.take_along_axis(log_probs, batch["action"][..., None], -1)[..., 0]
        ratio = jnp.exp(log_prob - batch["log_prob"])
        gain = jnp.minimum(
            ratio * batch["advantage"], jnp.clip(ratio, 1 - CLIP_RANGE, 1 + CLIP_RANGE) * batch["advantage"]
        )
        entropy = -(jnp.exp(log_probs) * log_probs).sum(-1).mean()
        error = jnp.square(value - batch["returns"]).mean()
        return BASELINE_WEIGHT * error - gain.mean() - ENTROPY_WEIGHT * entropy

    def iterate(carry: Any, _: Any) -> Any:
        weights, optimizer_state, env_state, observation, start, state, key = carry
        first_state = state

        def act(carry: Any, _: Any) -> Any:
            env_state, observation, start, state, key = carry
            key, choose, move = jax.random.split(key, 3)
            board = observation.reshape(num_envs, BOARD)
            state, log_probs, value = forward(weights, state, board[None], start[None])
            action = jax.random.categorical(choose, log_probs[0])
            log_prob = jnp.take_along_axis(log_probs[0], action[:, None], -1)[:, 0]
            after = step_env(jax.random.split(move, num_envs), env_state, action, parameters)
            next_observation, env_state, reward, done = after[:4]
            kept = {"observation": board, "action": action, "log_prob": log_prob, "value": value[0], "start": start}
            return (env_state, next_observation, done, state, key), {**kept, "reward": reward, "done": done}

        carried, rollout = jax.lax.scan(act, (env_state, observation, start, state, key), length=steps)
        env_state, observation, start, state, key = carried
        last = forward(weights, state, observation.reshape(1, num_envs, BOARD), start[None])[2][0]

        def estimate(carry: Any, step: Any) -> Any:
            later, next_value = carry
            goes_on = 1.0 - step["done"]
            delta = step["reward"] + DISCOUNT * next_value * goes_on - step["value"]
            later = delta + DISCOUNT * GAE_LAMBDA * goes_on * later
            return (later, step["value"]), later

        _, advantage = jax.lax.scan(estimate, (jnp.zeros(num_envs), last), rollout, reverse=True)
        normal = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        batch = {**rollout, "advantage": normal, "returns": advantage + rollout["value"]}
        del batch["reward"], batch["done"], batch["value"]

        def learn(carry: Any, rows: Any) -> Any:
            weights, optimizer_state = carry
            part = {name: values[:, rows] for name, values in batch.items()}
            part["state"] = tuple(each[rows] for each in first_state)
            change, optimizer_state = optimizer.update(jax.grad(loss)(weights, part), optimizer_state, weights)
            return (optax.apply_updates(weights, change), optimizer_state), None

        key, shuffle = jax.random.split(key)
        orders = jax.vmap(lambda key: jax.random.permutation(key, num_envs))(jax.random.split(shuffle, epochs))
        orders = orders.reshape(epochs * minibatches, num_envs // minibatches)
        (weights, optimizer_state), _ = jax.lax.scan(learn, (weights, optimizer_state), orders)
        caught = (rollout["reward"] > 0).sum() / rollout["done"].sum()
        return (weights, optimizer_state, env_state, observation, start, state, key), caught

    @jax.jit
    def train(carry: Any) -> Any:
        return jax.lax.scan(iterate, carry, length=iterations)

    weights = initial_weights(jax.random.key(0))
    observation, env_state = reset(jax.random.split(jax.random.key(1), num_envs), parameters)
    state = (jnp.zeros((num_envs, core)), jnp.zeros((num_envs, core)))
    start = jnp.ones(num_envs, bool)
    carry = (weights, optimizer.init(weights), env_state, observation, start, state, jax.random.key(2))

    def contestant() -> int:
        nonlocal carry
        carry, caught = train(carry)
        contestant.caught = float(caught[-1])  # type: ignore[attr-defined]
        return num_envs * steps * iterations

    return contestant
