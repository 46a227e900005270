# What AWS answers in every test, unless that says otherwise: an account, and a subnet with room for the host.
mock_data "aws_subnets" {
  defaults = { ids = ["subnet-0123456789abcdef0"] }
}

mock_data "aws_subnet" {
  defaults = { availability_zone = "us-east-1b" }
}

mock_data "aws_ec2_instance_type_offerings" {
  defaults = { locations = ["us-east-1a"] }
}

mock_data "aws_iam_policy_document" {
  defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012" }
}

mock_resource "aws_ebs_volume" {
  defaults = { id = "vol-0123456789abcdef0" }
}

mock_resource "aws_s3_bucket" {
  defaults = { id = "matrx-workspaces-1", arn = "arn:aws:s3:::matrx-workspaces-1" }
}
