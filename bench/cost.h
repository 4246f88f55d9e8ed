/* What a billion delivered messages cost on rented machines. */
#ifndef RT_COST_H
#define RT_COST_H

/* USD for a billion, when `count` machines at `usd_per_hour` each deliver `rate` a second in all.
 * rate > 0. */
double cost_of_billion(double usd_per_hour, double count, double rate);

/* ringtail-bench cost [OPTION]… [RESULTS]…; argv[0] is the command. The exit code. */
int cost_run(int argc, char **argv);

#endif
