# One subnet in one zone: the distance between zones is not what is measured, and traffic between
# them costs. The database wants subnets in two zones; the second stays empty.

data "aws_availability_zones" "here" {
  state = "available"
}

resource "aws_vpc" "rig" {
  cidr_block           = "10.77.0.0/16"
  enable_dns_hostnames = true
}

resource "aws_internet_gateway" "rig" {
  vpc_id = aws_vpc.rig.id
}

resource "aws_subnet" "rig" {
  count                   = 2
  vpc_id                  = aws_vpc.rig.id
  cidr_block              = cidrsubnet(aws_vpc.rig.cidr_block, 8, count.index)
  availability_zone       = data.aws_availability_zones.here.names[count.index]
  map_public_ip_on_launch = true
}

resource "aws_route_table" "rig" {
  vpc_id = aws_vpc.rig.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.rig.id
  }
}

resource "aws_route_table_association" "rig" {
  count          = 2
  subnet_id      = aws_subnet.rig[count.index].id
  route_table_id = aws_route_table.rig.id
}

# Inside of the rig everything is open; from outside only SSH, from the operator.
resource "aws_security_group" "rig" {
  name_prefix = "ringtail-bench-"
  description = "ringtail-bench"
  vpc_id      = aws_vpc.rig.id

  ingress {
    description = "the rig's own machines"
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    self        = true
  }
  ingress {
    description = "SSH of the operator"
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = [var.operator_cidr]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
