# Numbers for test_reference_monitoring.py:
#   Rscript monitoring.R > ../monitoring.json
# Partial pooling: metafor 3.8-1 (rma, blup, confint); adjusted means: emmeans; everything else base R.
suppressPackageStartupMessages(library(metafor))
number <- function(x) ifelse(is.na(x), "null", format(x, digits = 17, scientific = TRUE))
row <- function(name, ...) {
  fields <- list(...)
  body <- mapply(function(key, value) {
    text <- number(value)
    if (length(value) > 1) text <- paste0("[", paste(text, collapse = ", "), "]")
    sprintf('"%s": %s', key, text)
  }, names(fields), fields)
  sprintf('  "%s": {%s}', name, paste(body, collapse = ", "))
}
tight <- list(threshold = 1e-14, maxiter = 10000, tol = 1e-14)
pooling <- function(name, y, v) sapply(c("REML", "DL", "PM"), function(method) {
  fit <- rma(y, v, method = method, control = tight)
  drawn <- blup(fit)
  limits <- confint(fit, control = list(tol = 1e-13))$random["tau^2", ]
  row(paste(name, method), y = y, v = v, mean = as.numeric(fit$b), mean_std_error = fit$se, mean_conf_low = fit$ci.lb,
      mean_conf_high = fit$ci.ub, between_variance = fit$tau2, between_conf_low = limits[["ci.lb"]],
      between_conf_high = limits[["ci.ub"]], heterogeneity = fit$QE, p_value = fit$QEp, pooled = drawn$pred,
      pooled_std_error = drawn$se, pooled_conf_low = drawn$pi.lb, pooled_conf_high = drawn$pi.ub)
})
funnel_limit <- function(n, target, p) {          # Spiegelhalter 2005, appendix A.1.1
  up_to <- pbinom(0:n, n, target)
  k <- which(up_to > p)[1]
  below <- if (k > 1) up_to[k - 1] else 0
  min(max(((k - 1) - (up_to[k] - p) / (up_to[k] - below)) / n, 0), 1)
}
sizes <- c(1, 11, 25, 60, 200, 1000)
probabilities <- c(0.001, 0.025, 0.975, 0.999)
events <- c(12, 30, 9, 44, 51, 20, 33, 15, 70, 28, 10, 26)
patients <- c(40, 61, 35, 90, 100, 72, 70, 50, 118, 60, 45, 49)
target <- sum(events) / sum(patients)
z <- (asin(sqrt(events / patients)) - asin(sqrt(target))) / sqrt(1 / (4 * patients))
ends <- quantile(z, c(0.1, 0.9))
phi <- mean(pmin(pmax(z, ends[1]), ends[2])^2)
w <- 4 * patients
tau2 <- max(0, (12 * phi - 11) / (sum(w) - sum(w^2) / sum(w)))
wide <- function(p) sin(pmin(pmax(asin(sqrt(target)) + qnorm(p) * sqrt(1 / (4 * sizes) + tau2), 0), pi / 2))^2
counts <- c(32, 48, 20, 71, 45, 60, 25, 66)
units <- c(210, 190, 205, 220, 180, 200, 215, 195)
laney <- function(sigma) mean(abs(diff((counts / units - sum(counts) / sum(units)) / sigma))) / 1.128
center <- sum(counts) / sum(units)
sigma_p <- sqrt(center * (1 - center) / units)
sigma_u <- sqrt(center / units)
# Adjusted means of groups: emmeans of a linear model; expected counts: glm.
suppressPackageStartupMessages(library(emmeans))
cars <- data.frame(y = mtcars$mpg, x1 = mtcars$wt, x2 = mtcars$qsec, g = factor(mtcars$carb %% 4), high = mtcars$mpg > 19)
fit <- lm(y ~ g + x1 + x2, cars)
at_means <- summary(emmeans(fit, "g", at = list(x1 = mean(cars$x1), x2 = mean(cars$x2))), level = 0.9)
expected <- tapply(fitted(glm(high ~ x2, binomial, cars, control = list(epsilon = 1e-14))), cars$g, sum)
useful <- 10:60
lines <- c(
  pooling("six", c(-8.1, -5.2, -2.4, -6.9, -4.4, -9.7), c(0.81, 1.21, 3.9, 0.5, 2.2, 4.8)),
  pooling("alike", c(-5, -5.1, -4.9), c(1, 1.2, 0.9)),
  pooling("far", c(-12, -3, -8, 1, -6, -7, -5, -9, -2, -6.5), c(0.4, 0.2, 3, 9, 1, 0.7, 25, 0.3, 0.5, 2)),
  row("exact limits", target = 0.37, sizes = sizes, probabilities = probabilities,
      limits = as.vector(sapply(probabilities, function(p) sapply(sizes, funnel_limit, target = 0.37, p = p)))),
  row("over-dispersion", events = events, patients = patients, target = target, factor = phi, between_variance = tau2,
      sizes = sizes, low = wide(0.025), high = wide(0.999)),
  row("p chart", events = counts, units = units, center = center, factor = laney(sigma_p),
      plain = center + 3 * sigma_p, wide = center + 3 * sigma_p * laney(sigma_p)),
  row("u chart", events = counts, units = units, center = center, factor = laney(sigma_u),
      plain = center + 3 * sigma_u, wide = center + 3 * sigma_u * laney(sigma_u)),
  row("groups", y = cars$y, x1 = cars$x1, x2 = cars$x2, g = as.integer(cars$g) - 1, means = at_means$emmean,
      std_errors = at_means$SE, conf_low = at_means$lower.CL, conf_high = at_means$upper.CL, df = at_means$df[1],
      within_sd = sigma(fit), expected = as.vector(expected), observed = as.vector(tapply(cars$high, cars$g, sum))),
  row("runs", useful = useful, longest = round(log2(useful) + 3), fewest = qbinom(0.05, useful - 1, 0.5))
)
cat("{\n", paste(lines, collapse = ",\n"), "\n}\n", sep = "")
