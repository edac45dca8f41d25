#!/bin/bash
# The median resolution time of lifelines is not the median, and its 90th percentile is the fastest tenth.
#
# Expected: an estimate that takes open cases into account agrees with the ordinary median and percentiles when no
#   case is open, and `percentile(0.9)` is the time within which 90 % of the cases are resolved.
# Seen: lifelines 0.30.3, statsmodels 0.15.0 and numpy 2.4.6 on 2026-11-27. Of cases resolved after 1, 2, 3 and 10
#   hours the median is 2.5 for numpy, 2 for lifelines and 3 for statsmodels: where the curve is level at one half,
#   the one takes its start, the other its end. `percentile(p)` of lifelines is the time at which the share p is still
#   open, so 0.9 gives 1 and 0.1 gives 10. `datetimes_to_durations` with freq="h" cuts 9 h 59 min to 9.
# For Casebook: metrics of finished cases state their rule (5 of the specification). If an estimate with open cases is
#   added, it names the rule at a level of one half, and its tests have an even number of cases.
# Source: https://github.com/therneau/survival/issues/156 (the two definitions); https://lifelines.readthedocs.io
#   (percentile)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  'lifelines==0.30.3' 'statsmodels==0.15.0' 'numpy==2.4.6' 'pandas==2.3.3' 'scipy==1.17.1'

cat >expected <<'END'
median: numpy 2.5, lifelines 2, statsmodels 3
0.9: numpy 7.9, lifelines 1, statsmodels 10
0.1: numpy 1.3, lifelines 10, statsmodels 1
two of four open: lifelines median 3, 0.1 inf
9 h 59 min in hours: 9
END

venv/bin/python -W ignore - >seen <<'END'
import numpy
from lifelines import KaplanMeierFitter
from lifelines.utils import datetimes_to_durations
from statsmodels.duration.survfunc import SurvfuncRight

hours = [1.0, 2.0, 3.0, 10.0]
curve = KaplanMeierFitter().fit(hours)
other = SurvfuncRight(numpy.array(hours), numpy.ones(4))

print(f"median: numpy {numpy.median(hours):g}, lifelines {curve.median_survival_time_:g}, "
      f"statsmodels {other.quantile(0.5):g}")
for share in (0.9, 0.1):
    print(f"{share}: numpy {numpy.quantile(hours, share):g}, lifelines {curve.percentile(share):g}, "
          f"statsmodels {other.quantile(share):g}")
half_open = KaplanMeierFitter().fit([1, 2, 3, 4], event_observed=[1, 0, 1, 0])
print(f"two of four open: lifelines median {half_open.median_survival_time_:g}, 0.1 {half_open.percentile(0.1):g}")
durations, _ = datetimes_to_durations(["2026-03-02 09:00"], ["2026-03-02 18:59"], freq="h")
print(f"9 h 59 min in hours: {durations[0]:g}")
END

echo "lifelines has another median than numpy and counts percentiles from the open end."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
