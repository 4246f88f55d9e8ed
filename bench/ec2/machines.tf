# Servers and load machines: Debian 12 (kernel 6.1, which has all that the io_uring loop needs).

locals {
  # Graviton types are called like c7g, c6gd, m6g.
  arm         = "^[a-z]+[0-9]+g"
  server_arch = can(regex(local.arm, var.server_type)) ? "arm64" : "amd64"
  load_arch   = can(regex(local.arm, var.load_type)) ? "arm64" : "amd64"
  # Some tens of thousands of connections a process, and as many ports to go out from.
  first_start = <<-SCRIPT
    #!/bin/sh
    cat >/etc/sysctl.d/90-bench.conf <<CONF
    fs.file-max = 4000000
    net.core.somaxconn = 16384
    net.ipv4.tcp_max_syn_backlog = 16384
    net.ipv4.ip_local_port_range = 1024 65535
    CONF
    sysctl --system
    printf '* soft nofile 1000000\n* hard nofile 1000000\n' >/etc/security/limits.d/90-bench.conf
  SCRIPT
}

# 136693071363 is Debian's own account.
data "aws_ami" "debian" {
  for_each    = toset([local.server_arch, local.load_arch])
  most_recent = true
  owners      = ["136693071363"]
  filter {
    name   = "name"
    values = ["debian-12-${each.key}-*"]
  }
}

resource "aws_key_pair" "operator" {
  key_name_prefix = "ringtail-bench-"
  public_key      = var.ssh_public_key
}

# Close to each other: the network's latency is a part of what is measured.
resource "aws_placement_group" "rig" {
  name     = "ringtail-bench-${aws_vpc.rig.id}"
  strategy = "cluster"
}

resource "aws_instance" "server" {
  count                  = var.server_count
  ami                    = data.aws_ami.debian[local.server_arch].id
  instance_type          = var.server_type
  key_name               = aws_key_pair.operator.key_name
  subnet_id              = aws_subnet.rig[0].id
  vpc_security_group_ids = [aws_security_group.rig.id]
  placement_group        = aws_placement_group.rig.name
  user_data              = local.first_start
  root_block_device {
    volume_type = "gp3"
    volume_size = 30
  }
  metadata_options {
    http_tokens = "required"
  }
  tags = {
    Name = "ringtail-bench-server-${count.index}"
  }
}

resource "aws_instance" "load" {
  count                  = var.load_count
  ami                    = data.aws_ami.debian[local.load_arch].id
  instance_type          = var.load_type
  key_name               = aws_key_pair.operator.key_name
  subnet_id              = aws_subnet.rig[0].id
  vpc_security_group_ids = [aws_security_group.rig.id]
  user_data              = local.first_start
  root_block_device {
    volume_type = "gp3"
    volume_size = 30
  }
  metadata_options {
    http_tokens = "required"
  }
  tags = {
    Name = "ringtail-bench-load-${count.index}"
  }
}
