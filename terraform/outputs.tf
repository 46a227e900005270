output "s3_bucket_name" {
  description = "Bucket of the workspaces."
  value       = aws_s3_bucket.workspaces.id
}

output "s3_bucket_arn" {
  description = "ARN of that bucket."
  value       = aws_s3_bucket.workspaces.arn
}

output "ec2_instance_id" {
  description = "The host: aws ssm start-session --target ID opens a shell on it."
  value       = aws_instance.host.id
}

output "data_volume_id" {
  description = "The volume that outlives the host."
  value       = aws_ebs_volume.data.id
}

output "ec2_public_ip" {
  description = "Address of the host; empty without a public one."
  value       = aws_instance.host.public_ip
}

output "ec2_public_dns" {
  description = "Name of that address."
  value       = aws_instance.host.public_dns
}

output "iam_role_arn" {
  description = "Role of the host."
  value       = aws_iam_role.host.arn
}

output "workspace_role_arn" {
  description = "Role that is narrowed to one user: MATRX_COLD_ROLE_ARN of the node driver."
  value       = aws_iam_role.workspace.arn
}

output "security_group_id" {
  description = "Security group of the host."
  value       = aws_security_group.host.id
}

output "ecr_repository_urls" {
  description = "Where the images are pushed to and pulled from, by image."
  value       = { for image, repository in aws_ecr_repository.image : image => repository.repository_url }
}

output "log_group_name" {
  description = "Log group of CloudWatch."
  value       = aws_cloudwatch_log_group.sandbox.name
}

output "github_role_arn" {
  description = "Role of the deployments: AWS_ROLE_ARN of the repository's environment; null without github_repository."
  value       = one(aws_iam_role.github[*].arn)
}

output "api_url" {
  description = "Where the API is; null without domain_name."
  value       = local.domain ? "https://${var.domain_name}" : null
}

output "worker_instance_ids" {
  description = "The workers, in the order of their names NAME-worker-0, NAME-worker-1 and so on."
  value       = aws_instance.worker[*].id
}
