"""The counts by hand in Spark SQL over Parquet, in one session."""

from pathlib import Path

from pyspark.sql import SparkSession
from rivals import BY_DAY, BY_MASK, TABLES, Asked, Counts, files

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "6g",
    "spark.driver.maxResultSize": "0",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}
"""One session serves both sides, so these hold for both."""


def session(cores: int = 2) -> SparkSession:
    """Return a session of so many cores on this machine."""
    builder = SparkSession.builder.master(f"local[{cores}]").appName("benchmarks")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    found = builder.getOrCreate()
    found.sparkContext.setLogLevel("ERROR")
    return found


def see(spark: SparkSession, folder: Path, month: str = "*") -> None:
    """Let a session see the Parquet files of a folder as views."""
    for name in TABLES:
        spark.read.parquet(files(folder, name, month)).createOrReplaceTempView(name)


MONTH = "year({day}) * 12 + month({day}) - 1"
DAYS = {
    BY_DAY: f"""
        SELECT project, role, point, {MONTH.format(day="day")} AS month, sum(shiftleft(1L, day(day) - 1)) AS days
        FROM (SELECT project, role, point, day, count(*) FROM checks WHERE {{counts}} GROUP BY project, role, point, day)
        GROUP BY project, role, point, {MONTH.format(day="day")}""",
    BY_MASK: f"""
        SELECT project, role, point, {MONTH.format(day="day")} AS month, bit_or(shiftleft(1L, day(day) - 1)) AS days
        FROM checks WHERE {{counts}} GROUP BY project, role, point, {MONTH.format(day="day")}""",
}
LOOKS = """
    SELECT point, method, reach, na, count(*) AS checks, count_if(traceable) AS traceable
    FROM (SELECT point, method,
                 CASE WHEN population IS NOT NULL AND sample_size >= population THEN {most}
                      ELSE least(coalesce(sample_size, 0), {most}) END AS reach,
                 coalesce(result = 'na', false) AS na,
                 inspector IS NOT NULL AND day IS NOT NULL AND place IS NOT NULL AND method IS NOT NULL
                     AND (sample_size > 0 OR evidence_count > 0) AS traceable
          FROM checks)
    GROUP BY point, method, reach, na"""
JOINED = f"""
    WITH rounds AS (
        SELECT finding, max_by(outcome, struct(verified_at, entry)) = 'closed' AS closed,
               min_by(day, struct(verified_at, entry)) AS first_day
        FROM verifications GROUP BY finding)
    SELECT f.entry, c.point, f.kind, {MONTH.format(day="c.day")} AS month, f.deduct_hundredths,
           coalesce(c.result = 'na', false) AS na,
           c.inspector IS NOT NULL AND c.day IS NOT NULL AND c.place IS NOT NULL AND c.method IS NOT NULL
           AND (c.sample_size > 0 OR c.evidence_count > 0) AS traceable,
           f.fault IS NOT NULL AND f.advice IS NOT NULL AND f.handling IS NOT NULL
           AND f.verify_on IS NOT NULL AS complete,
           coalesce(r.closed, false) AS closed, coalesce(r.first_day <= f.verify_on, false) AS on_time
    FROM findings f JOIN checks c ON c.entry = f.entry LEFT JOIN rounds r ON r.finding = f.id"""
FOUND = """
    SELECT point, kind, month, count(*) AS findings, count_if(closed) AS closed, count_if(on_time) AS on_time
    FROM joined GROUP BY point, kind, month"""
LOST = """
    SELECT point, na, deducted, count(*) AS checks, count_if(traceable AND NOT complete) AS spoilt
    FROM (SELECT point, entry, na, traceable, bool_and(complete) AS complete,
                 coalesce(sum(deduct_hundredths), 0) AS deducted
          FROM joined GROUP BY point, entry, na, traceable)
    GROUP BY point, na, deducted"""


def counts(spark: SparkSession, asked: Asked, *, way: str = BY_MASK) -> Counts:
    """Return all counts as Arrow tables."""
    kinds = ", ".join(f"'{kind}'" for kind in asked.kinds)
    counted = f"(kind IN ({kinds}){' OR kind IS NULL' if 'routine' in asked.kinds else ''})"
    joined = spark.sql(JOINED).cache()
    joined.createOrReplaceTempView("joined")
    queries = {
        "days": DAYS[way].format(counts=counted), "looks": LOOKS.format(most=asked.most), "found": FOUND, "lost": LOST,
    }  # fmt: skip
    found = {name: spark.sql(query).toArrow() for name, query in queries.items()}
    joined.unpersist()
    return found
