# The name, its certificate, and who gets to the API. Nothing reaches AWS.
mock_provider "aws" {
  source          = "./tests/aws"
  override_during = plan

  mock_data "aws_subnets" {
    defaults = { ids = ["subnet-0123456789abcdef2", "subnet-0123456789abcdef1", "subnet-0123456789abcdef3"] }
  }

  mock_data "aws_subnet" {
    defaults = { availability_zone = "us-east-1a", cidr_block = "10.80.0.0/25" }
  }

  mock_data "aws_availability_zones" {
    defaults = { names = ["us-east-1a", "us-east-1b"] }
  }

  mock_data "aws_route53_zone" {
    defaults = { name = "example.com", zone_id = "Z0123456789ABCDEFGHIJ" }
  }

  mock_resource "aws_subnet" {
    defaults = { id = "subnet-0123456789abcdef9" }
  }

  mock_resource "aws_security_group" {
    defaults = { id = "sg-0123456789abcdef0" }
  }

  mock_resource "aws_acm_certificate" {
    defaults = {
      arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
      domain_validation_options = [{
        domain_name           = "sandboxes.example.com"
        resource_record_name  = "_1.sandboxes.example.com."
        resource_record_type  = "CNAME"
        resource_record_value = "_2.acm-validations.aws."
      }]
    }
  }

  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/matrx/1", dns_name = "matrx.elb.amazonaws.com", zone_id = "Z35SXDOTRQ7X7K" }
  }

  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/matrx/1" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/matrx-sandbox-dev-workspace" }
  }
}

override_data {
  target = data.aws_subnet.load_balancer[1]
  values = { availability_zone = "us-east-1b", cidr_block = "10.80.0.128/25" }
}

variables {
  s3_bucket_name  = "matrx-workspaces-1"
  api_cidr_blocks = ["203.0.113.0/24"]
}

run "without_a_domain" {
  command = plan

  assert {
    condition = length(concat(
      aws_lb.api, aws_acm_certificate.api, aws_route53_record.api, aws_security_group.load_balancer, data.aws_route53_zone.domain,
    )) == 0 && output.api_url == null
    error_message = "Something of a domain is made, and paid for, that nobody asked for."
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.api) == ["203.0.113.0/24"]
    error_message = "The API is not open on the host for those who were named."
  }

  assert {
    condition     = !strcontains(aws_ssm_parameter.host.value, "MATRX_TRUSTED_PROXIES")
    error_message = "The facade would believe what clients say of their addresses."
  }
}

run "with_a_domain" {
  command = plan

  variables {
    domain_name     = "sandboxes.example.com"
    route53_zone_id = "Z0123456789ABCDEFGHIJ"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.api) == 0
    error_message = "The host still takes requests past the load balancer, without TLS."
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.https) == ["203.0.113.0/24"] && aws_vpc_security_group_ingress_rule.https["203.0.113.0/24"].from_port == 443
    error_message = "The load balancer is not open for those who were named, and for nobody else."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.load_balancer[0].from_port == 8000 && aws_vpc_security_group_ingress_rule.load_balancer[0].cidr_ipv4 == null
    error_message = "The host takes requests from others than the load balancer."
  }

  assert {
    condition     = aws_lb.api[0].subnets == toset(["subnet-0123456789abcdef1", "subnet-0123456789abcdef2"]) && aws_instance.host.subnet_id == "subnet-0123456789abcdef1"
    error_message = "The load balancer is not in two subnets, one of them the host's."
  }

  assert {
    condition     = aws_route53_record.certificate[0].name == "_1.sandboxes.example.com." && aws_route53_record.certificate[0].type == "CNAME" && aws_route53_record.certificate[0].records == toset(["_2.acm-validations.aws."])
    error_message = "ACM would not find the record that it looks for."
  }

  assert {
    condition     = aws_route53_record.api[0].alias[0].name == "matrx.elb.amazonaws.com" && output.api_url == "https://sandboxes.example.com"
    error_message = "The name does not lead to the load balancer."
  }

  assert {
    condition     = strcontains(aws_ssm_parameter.host.value, "MATRX_TRUSTED_PROXIES=10.80.0.0/25,10.80.0.128/25\n")
    error_message = "The facade would take the load balancer for the client: ${nonsensitive(aws_ssm_parameter.host.value)}"
  }
}

run "nobody_is_let_in_unasked" {
  command = plan

  variables {
    api_cidr_blocks = []
    domain_name     = "example.com"
    route53_zone_id = "Z0123456789ABCDEFGHIJ"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.https) == 0 && length(aws_vpc_security_group_ingress_rule.api) == 0
    error_message = "Something is open by default."
  }
}

run "in_a_new_vpc" {
  command = plan

  variables {
    create_vpc      = true
    domain_name     = "sandboxes.example.com"
    route53_zone_id = "Z0123456789ABCDEFGHIJ"
  }

  assert {
    condition = aws_subnet.new[0].cidr_block == "10.80.0.0/25" && aws_subnet.second[0].cidr_block == "10.80.0.128/25" && (
      aws_subnet.second[0].availability_zone != aws_subnet.new[0].availability_zone
    )
    error_message = "The new VPC has not two subnets in two zones."
  }
}

run "in_a_vpc_of_ones_own" {
  command = plan

  variables {
    vpc_id                   = "vpc-0123456789abcdef0"
    subnet_id                = "subnet-0123456789abcdef0"
    domain_name              = "sandboxes.example.com"
    route53_zone_id          = "Z0123456789ABCDEFGHIJ"
    load_balancer_subnet_ids = ["subnet-0123456789abcdef5", "subnet-0123456789abcdef6"]
  }

  assert {
    condition     = aws_lb.api[0].subnets == toset(["subnet-0123456789abcdef5", "subnet-0123456789abcdef6"])
    error_message = "The load balancer is not in the subnets that were named."
  }
}

run "refuses_a_name_outside_the_zone" {
  command         = plan
  expect_failures = [data.aws_route53_zone.domain]

  variables {
    domain_name     = "sandboxes.notexample.com"
    route53_zone_id = "Z0123456789ABCDEFGHIJ"
  }
}

run "refuses_two_subnets_in_one_zone" {
  command         = plan
  expect_failures = [aws_lb.api]

  variables {
    domain_name     = "sandboxes.example.com"
    route53_zone_id = "Z0123456789ABCDEFGHIJ"
  }

  override_data {
    target = data.aws_subnet.load_balancer[1]
    values = { availability_zone = "us-east-1a", cidr_block = "10.80.0.128/25" }
  }
}

run "refuses_subnets_without_the_hosts_zone" {
  command         = plan
  expect_failures = [aws_lb.api]

  variables {
    vpc_id                   = "vpc-0123456789abcdef0"
    subnet_id                = "subnet-0123456789abcdef0"
    domain_name              = "sandboxes.example.com"
    route53_zone_id          = "Z0123456789ABCDEFGHIJ"
    load_balancer_subnet_ids = ["subnet-0123456789abcdef5", "subnet-0123456789abcdef6"]
  }

  override_data {
    target = data.aws_subnet.load_balancer[0]
    values = { availability_zone = "us-east-1c", cidr_block = "10.80.0.0/25" }
  }
}
