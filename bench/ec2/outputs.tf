# What run.sh wants to know.

output "servers" {
  description = "Address from outside and from inside of each server"
  value       = [for one in aws_instance.server : { public = one.public_ip, private = one.private_ip }]
}

output "loads" {
  description = "The same of each load machine"
  value       = [for one in aws_instance.load : { public = one.public_ip, private = one.private_ip }]
}

output "database" {
  description = "Where PostgreSQL listens, and what the monitoring calls it"
  value = {
    host     = aws_db_instance.rig.address
    port     = aws_db_instance.rig.port
    user     = aws_db_instance.rig.username
    name     = aws_db_instance.rig.db_name
    resource = aws_db_instance.rig.resource_id
  }
}

output "region" {
  value = var.region
}

output "server_type" {
  value = var.server_type
}
