# PostgreSQL as RDS runs it, with the settings of bench/compare/postgresql.conf where RDS has them:
# fsync, synchronous_commit and full_page_writes are on there anyway.


resource "aws_db_subnet_group" "rig" {
  name_prefix = "ringtail-bench-"
  subnet_ids  = aws_subnet.rig[*].id
}

resource "aws_db_parameter_group" "rig" {
  name_prefix = "ringtail-bench-"
  family      = "postgres${var.database_version}"
  # Seconds; a checkpoint makes the first change of each page expensive.
  parameter {
    name  = "checkpoint_timeout"
    value = "1800"
  }
  # MB.
  parameter {
    name  = "max_wal_size"
    value = "32768"
  }
  # The preset would refuse connections without TLS, which cost CPU time that is not measured here.
  parameter {
    name  = "rds.force_ssl"
    value = "0"
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "rig" {
  identifier_prefix       = "ringtail-bench-"
  engine                  = "postgres"
  engine_version          = var.database_version
  instance_class          = var.database_class
  storage_type            = "gp3"
  allocated_storage       = var.database_gib
  db_name                 = "ringtail"
  username                = "bench"
  password                = var.database_password
  db_subnet_group_name    = aws_db_subnet_group.rig.name
  parameter_group_name    = aws_db_parameter_group.rig.name
  vpc_security_group_ids  = [aws_security_group.rig.id]
  availability_zone       = data.aws_availability_zones.here.names[0]
  multi_az                = false
  publicly_accessible     = false
  backup_retention_period = 0
  skip_final_snapshot     = true
  apply_immediately       = true
  # Once a second: CPU time of the database for the report (collect.sh).
  monitoring_interval = 1
  monitoring_role_arn = aws_iam_role.monitoring.arn
}

resource "aws_iam_role" "monitoring" {
  name_prefix = "ringtail-bench-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
