"""The repeated-measures model written down as plainly as possible: every patient's design and covariance matrix.

Slow, and meant to be so: it shares no line and no idea with the kernel that it judges. Derivatives are numerical: first
ones by complex steps, second ones by sixth-order differences of these. Nothing here is scaled, centered or whitened.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

COMPLEX_STEP = 1e-30
STEP = 2e-3


def covariance(structure, theta, n_visits):
    """Return the matrices of parameters (..., k), shape (..., V, V); real or complex."""
    theta = np.asarray(theta)
    if structure == "us":
        lower = np.zeros((*theta.shape[:-1], n_visits, n_visits), dtype=theta.dtype)
        position = n_visits
        for row in range(n_visits):
            lower[..., row, row] = 1.0
            for column in range(row):
                lower[..., row, column] = theta[..., position]
                position += 1
        factor = np.exp(theta[..., :n_visits])[..., :, None] * lower
        return factor @ np.swapaxes(factor, -1, -2)
    name = structure.removesuffix("h")
    n_scales = n_visits if structure.endswith("h") else 1
    sd = np.exp(theta[..., :n_scales]) * np.ones(n_visits)
    free = theta[..., n_scales:]
    matrix = np.zeros((*theta.shape[:-1], n_visits, n_visits), dtype=theta.dtype)
    for a in range(n_visits):
        for b in range(n_visits):
            matrix[..., a, b] = sd[..., a] * sd[..., b] * _correlation(name, free, min(a, b), max(a, b), n_visits)
    return matrix


def _correlation(name, free, a, b, n_visits):
    if a == b:
        return 1.0
    if name == "cs":
        lowest = -1.0 / (n_visits - 1)
        return lowest + (1.0 - lowest) / (1.0 + np.exp(-free[..., 0]))
    rho = free / np.sqrt(1.0 + free**2)
    if name == "ar1":
        return rho[..., 0] ** (b - a)
    if name == "toep":
        return rho[..., b - a - 1]
    product = 1.0
    for step in range(a, b):
        product = product * rho[..., step]
    return product


class DenseModel:
    """The data, the design of every patient, and what can be asked at given parameters."""

    def __init__(self, z, y, design, structure="us", reml=True, group=None, frequency=None, precision=None):
        self.z, self.y, self.design, self.structure, self.reml = z, y, design, structure, reml
        self.group, self.frequency, self.precision = group, frequency, precision
        self._kept = {}
        n, self.n_visits = self.y.shape
        self.groups = np.zeros(n, dtype=int) if self.group is None else self.group
        self.n_groups = int(self.groups.max()) + 1
        self.weights = np.ones(n) if self.frequency is None else self.frequency
        self.seen = [np.flatnonzero(~np.isnan(row)) for row in self.y]
        self.patients = [i for i in range(n) if self.seen[i].size]
        full = np.column_stack((np.ones(n), self.z))
        roots = np.ones((n, self.n_visits))
        if self.precision is not None:
            roots = np.sqrt(np.broadcast_to(self.precision.reshape(n, -1), (n, self.n_visits)))
        # Dividing a variance by w is the same as multiplying rows of X and y by the root of w, but for log w.
        self.x = {i: roots[i, self.seen[i], None] * (self.design[self.seen[i]] @ full[i]) for i in self.patients}
        self.outcome = {i: roots[i, self.seen[i]] * self.y[i, self.seen[i]] for i in self.patients}
        self.log_weight = sum(2.0 * self.weights[i] * np.log(roots[i, self.seen[i]]).sum() for i in self.patients)
        stacked = np.concatenate([np.sqrt(self.weights[i]) * self.x[i] for i in self.patients])
        response = np.concatenate([np.sqrt(self.weights[i]) * self.outcome[i] for i in self.patients])
        # Likelihoods are computed with orthonormal columns and small outcomes, so that they keep their digits.
        size = np.sqrt((stacked**2).sum(axis=0))
        self.rank = int(np.linalg.matrix_rank(stacked / size))
        basis, triangle = np.linalg.qr(stacked)
        self.ordinary = np.linalg.solve(triangle, basis.T @ response)
        self.log_triangle = 2.0 * np.log(np.abs(np.diag(triangle))).sum()
        self.residual = {i: self.outcome[i] - self.x[i] @ self.ordinary for i in self.patients}
        ends = np.cumsum([0, *(len(self.outcome[i]) for i in self.patients)])
        roots = np.sqrt([self.weights[i] for i in self.patients])
        self.orthonormal = {
            i: basis[start:stop] / root
            for i, start, stop, root in zip(self.patients, ends[:-1], ends[1:], roots, strict=True)
        }

    @cached_property
    def batches(self):
        """Patients with one pattern and group together: only to spare Python's loops."""
        found = {}
        for i in self.patients:
            found.setdefault((int(self.groups[i]), tuple(self.seen[i])), []).append(i)
        return [
            (
                group,
                np.array(seen),
                np.array([self.weights[i] for i in members]),
                np.array([self.orthonormal[i] for i in members]),
                np.array([self.residual[i] for i in members]),
            )
            for (group, seen), members in found.items()
        ]

    def matrices(self, theta):
        """Return the covariance of each group, shape (..., G, V, V)."""
        parts = np.asarray(theta).reshape(*np.shape(theta)[:-1], self.n_groups, -1)
        return covariance(self.structure, parts, self.n_visits)

    def deviance(self, theta):
        """Return -2 log L of parameters (B, k), shape (B,); complex where they are."""
        sigma = self.matrices(theta)
        size = (sigma.shape[0], self.design.shape[1])
        information = np.zeros((*size, size[1]), dtype=sigma.dtype)
        right = np.zeros(size, dtype=sigma.dtype)
        total = np.zeros(size[0], dtype=sigma.dtype)
        n_observations = 0.0
        for group, seen, weights, x, residual in self.batches:
            part = sigma[:, group][:, seen[:, None], seen]
            inverse = np.linalg.inv(part)
            total += weights.sum() * np.log(np.linalg.det(part))
            weighted = np.einsum("bop,npq->bnoq", inverse, x)
            information += np.einsum("n,noq,bnor->bqr", weights, x, weighted)
            right += np.einsum("n,no,bnoq->bq", weights, residual, weighted)
            total += np.einsum("n,no,bop,np->b", weights, residual, inverse, residual)
            n_observations += weights.sum() * seen.size
        total -= (right * np.linalg.solve(information, right[:, :, None])[:, :, 0]).sum(axis=1)
        free = n_observations
        if self.reml:
            total += np.log(np.linalg.det(information)) + self.log_triangle
            free -= size[1]
        return total + free * np.log(2.0 * np.pi) - self.log_weight

    def gradient(self, theta):
        """Return the derivative of -2 log L by complex steps."""
        steps = theta + 1j * COMPLEX_STEP * np.eye(theta.size)
        return self.deviance(steps).imag / COMPLEX_STEP

    def hessian(self, theta):
        """Return the second derivatives of -2 log L by differences of exact first ones."""
        return self._once("hessian", theta, lambda: _differences(self.gradient, theta))

    def _once(self, name, theta, compute):
        key = (name, theta.tobytes())
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]

    def information(self, theta):
        """Return X' Omega^-1 X patient by patient."""
        sigma = self.matrices(theta)
        total = 0.0
        for i in self.patients:
            part = sigma[self.groups[i]][np.ix_(self.seen[i], self.seen[i])]
            total = total + self.weights[i] * self.x[i].T @ np.linalg.solve(part, self.x[i])
        return total

    def coefficients(self, theta):
        """Return the generalized least-squares estimate."""
        sigma = self.matrices(theta)
        right = 0.0
        for i in self.patients:
            part = sigma[self.groups[i]][np.ix_(self.seen[i], self.seen[i])]
            right = right + self.weights[i] * self.x[i].T @ np.linalg.solve(part, self.residual[i])
        return self.ordinary + np.linalg.solve(self.information(theta), right)

    def satterthwaite(self, theta, combinations):
        """Return variances and degrees of freedom of combinations, from numerical derivatives of the variance."""
        spread = 2.0 * np.linalg.inv(self.hessian(theta))
        phi = np.linalg.inv(self.information(theta))
        variance = np.einsum("lq,qr,lr->l", combinations, phi, combinations)
        slopes = np.empty((combinations.shape[0], theta.size))
        for h in range(theta.size):
            moved = np.linalg.inv(self.information(theta + 1j * COMPLEX_STEP * np.eye(theta.size)[h]))
            slopes[:, h] = np.einsum("lq,qr,lr->l", combinations, moved.imag / COMPLEX_STEP, combinations)
        return variance, 2.0 * variance**2 / np.einsum("lh,hk,lk->l", slopes, spread, slopes)

    def _sigma_derivatives(self, theta):
        def first(point):
            steps = point + 1j * COMPLEX_STEP * np.eye(theta.size)
            return np.moveaxis(self.matrices(steps).imag / COMPLEX_STEP, 0, -1)

        second = _differences(first, theta)
        return np.moveaxis(first(theta), -1, 0), np.moveaxis(second, (-2, -1), (0, 1))

    def pqr(self, theta):
        """Return Kenward and Roger's P (k, q, q), Q and R (k, k, q, q), each summed over the patients."""
        return self._once("pqr", theta, lambda: self._pqr(theta))

    def _pqr(self, theta):
        sigma = self.matrices(theta)
        first, second = self._sigma_derivatives(theta)
        k, q = theta.size, self.design.shape[1]
        p, q_array, r = np.zeros((k, q, q)), np.zeros((k, k, q, q)), np.zeros((k, k, q, q))
        for i in self.patients:
            block = np.ix_(self.seen[i], self.seen[i])
            group = self.groups[i]
            part = sigma[group][block]
            inverse = np.linalg.inv(part)
            x = np.sqrt(self.weights[i]) * self.x[i]
            by = [-inverse @ first[h, group][block] @ inverse for h in range(k)]
            for h in range(k):
                p[h] += x.T @ by[h] @ x
                for other in range(k):
                    q_array[h, other] += x.T @ by[h] @ part @ by[other] @ x
                    r[h, other] += x.T @ inverse @ second[h, other, group][block] @ inverse @ x
        return p, q_array, r

    def kenward_roger(self, theta, *, linear):
        """Return the adjusted covariance of the coefficients."""
        p, q_array, r = self.pqr(theta)
        spread = 2.0 * np.linalg.inv(self.hessian(theta))
        phi = np.linalg.inv(self.information(theta))
        inner = np.zeros_like(phi)
        for h in range(theta.size):
            for other in range(theta.size):
                term = q_array[h, other] - p[h] @ phi @ p[other]
                if not linear:
                    term = term - 0.25 * r[h, other]
                inner += spread[h, other] * term
        return phi + 2.0 * phi @ inner @ phi

    def kenward_roger_test(self, theta, combinations, *, linear):
        """Return the scale, the denominator degrees of freedom and F of Kenward and Roger's test."""
        p, _, _ = self.pqr(theta)
        spread = 2.0 * np.linalg.inv(self.hessian(theta))
        phi = np.linalg.inv(self.information(theta))
        rank = combinations.shape[0]
        theta_matrix = combinations.T @ np.linalg.inv(combinations @ phi @ combinations.T) @ combinations
        a1 = a2 = 0.0
        for h in range(theta.size):
            for other in range(theta.size):
                left, right = (theta_matrix @ phi @ p[one] @ phi for one in (h, other))
                a1 += spread[h, other] * np.trace(left) * np.trace(right)
                a2 += spread[h, other] * np.trace(left @ right)
        b = (a1 + 6.0 * a2) / (2.0 * rank)
        g = ((rank + 1) * a1 - (rank + 4) * a2) / ((rank + 2) * a2)
        c1, c2, c3 = (part / (3 * rank + 2 * (1 - g)) for part in (g, rank - g, rank + 2 - g))
        expected = 1.0 / (1.0 - a2 / rank)
        variance = 2.0 / rank * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
        df = 4.0 + (rank + 2) / (rank * variance / (2.0 * expected**2) - 1.0)
        scale = df / (expected * (df - 2.0))
        estimates = combinations @ self.coefficients(theta)
        adjusted = self.kenward_roger(theta, linear=linear)
        wald = estimates @ np.linalg.solve(combinations @ adjusted @ combinations.T, estimates)
        return scale, df, scale * wald / rank

    def sandwich(self, theta, kind, combinations):
        """Return the robust covariance and Bell and McCaffrey's degrees of freedom, by their N x N definition."""
        sigma = self.matrices(theta)
        phi = np.linalg.inv(self.information(theta))
        beta = self.coefficients(theta)
        designs, residuals = [], []
        for i in self.patients:
            part = sigma[self.groups[i]][np.ix_(self.seen[i], self.seen[i])]
            root = np.linalg.cholesky(np.linalg.inv(part)).T * np.sqrt(self.weights[i])
            designs.append(root @ self.x[i])
            residuals.append(root @ (self.outcome[i] - self.x[i] @ beta))
        stacked = np.concatenate(designs)
        ends = np.cumsum([len(one) for one in designs])
        everybody = np.eye(len(stacked)) - stacked @ phi @ stacked.T
        meat = np.zeros_like(phi)
        pulls = []
        for one, residual, end in zip(designs, residuals, ends, strict=True):
            adjusted = _adjustment(np.eye(len(one)) - one @ phi @ one.T, kind) @ one
            score = adjusted.T @ residual
            meat += np.outer(score, score)
            pulls.append(everybody[:, end - len(one) : end] @ adjusted @ phi)
        dfs = []
        for combination in combinations:
            g = np.column_stack([pull @ combination for pull in pulls])
            products = g.T @ g
            dfs.append(np.trace(products) ** 2 / (products**2).sum())
        return phi @ meat @ phi, np.array(dfs)


def _adjustment(left, kind):
    if kind == "CR0":
        return np.eye(len(left))
    if kind == "CR3":
        return np.linalg.inv(left)
    values, vectors = np.linalg.eigh(left)
    return vectors @ np.diag(values**-0.5) @ vectors.T


def _differences(first, theta):
    """Return the derivative of a function that has the parameters in its last axis, by sixth-order differences."""
    columns = []
    for h in range(theta.size):
        step = STEP * np.eye(theta.size)[h]
        near = first(theta + step) - first(theta - step)
        far = first(theta + 2.0 * step) - first(theta - 2.0 * step)
        wide = first(theta + 3.0 * step) - first(theta - 3.0 * step)
        columns.append((45.0 * near - 9.0 * far + wide) / (60.0 * STEP))
    return np.stack(columns, axis=-1)


def patients_design(n_visits, n_covariates):
    """Return the design in which every visit has its own intercept and slopes, visit after visit."""
    width = 1 + n_covariates
    design = np.zeros((n_visits, n_visits * width, width))
    for visit in range(n_visits):
        for column in range(width):
            design[visit, visit * width + column, column] = 1.0
    return design


def simulated(n, n_visits, n_covariates, seed, missing=0.2):
    """Return covariates and correlated outcomes of synthetic patients, with drop-out and gaps; every visit is seen."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, n_covariates))
    z[:, 0] = np.arange(n) % 2
    factor = np.tril(0.5 + rng.random((n_visits, n_visits)))
    y = 10.0 + (z @ rng.standard_normal((n_covariates, n_visits))) + rng.standard_normal((n, n_visits)) @ factor.T
    last = np.where(rng.random(n) < missing, rng.integers(1, n_visits + 1, n), n_visits)
    y[np.arange(n_visits) >= last[:, None]] = np.nan
    y[rng.random(y.shape) < missing / 4.0] = np.nan
    return z, y
