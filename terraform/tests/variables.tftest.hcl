# Every validation refuses what it should, and lets pass what it should. Nothing reaches AWS.
mock_provider "aws" {
  source = "./tests/aws"

  mock_data "aws_subnet" {
    defaults = { availability_zone = "us-east-1a", cidr_block = "10.80.0.0/25" }
  }

  # Of both architectures, for what is refused here is refused before.
  mock_data "aws_ec2_instance_type" {
    defaults = { supported_architectures = ["x86_64", "arm64"] }
  }

  mock_data "aws_route53_zone" {
    defaults = { name = "example.com" }
  }
}

variables {
  s3_bucket_name = "matrx-workspaces-1"
}

run "the_defaults_are_valid" {
  command = plan

  assert {
    condition     = length(var.ssh_cidr_blocks) == 0 && length(var.api_cidr_blocks) == 0
    error_message = "Something is open by default."
  }
}

run "all_that_can_be_given_is_valid" {
  command = plan

  override_data {
    target = data.aws_subnet.load_balancer[1]
    values = { availability_zone = "us-east-1b", cidr_block = "10.80.0.128/25" }
  }

  variables {
    aws_region         = "us-gov-west-1"
    ec2_instance_type  = "m7g.2xlarge"
    ec2_ami_id         = "ami-0123456789abcdef0"
    ec2_key_pair_name  = "my key"
    ec2_use_spot       = true
    ec2_spot_max_price = "0.08"
    vpc_id             = "vpc-0123456789abcdef0"
    subnet_id          = "subnet-0123456789abcdef0"
    ssh_cidr_blocks    = ["203.0.113.7/32"]
    api_cidr_blocks    = ["0.0.0.0/0"]
    ecr_repo_arn       = "arn:aws:ecr:us-east-1:123456789012:repository/team/image"

    k3s_version         = "v1.36.4+k3s1"
    k3s_sha256          = "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f"
    datastore_parameter = "/matrx-sandbox-dev/datastore"
    release_url         = "s3://matrx-workspaces-1/.matrx/releases/one.tar.gz"
    release_sha256      = "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f"
    product_image       = "123456789012.dkr.ecr.us-east-1.amazonaws.com/matrx-sandbox-dev/product:one"
    sandbox_image       = "registry.example:5000/sandbox@sha256:835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f"

    domain_name              = "sandboxes.example.com"
    route53_zone_id          = "Z0123456789ABCDEFGHIJ"
    load_balancer_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]

    worker_count         = 2
    worker_instance_type = "m7g.large"

    github_repository        = "owner/repository.js"
    github_environment       = "prod"
    github_oidc_provider_arn = "arn:aws-us-gov:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }
}

run "refuses_aws_region_1" {
  command         = plan
  expect_failures = [var.aws_region]

  variables {
    aws_region = "us_east"
  }
}

run "refuses_environment_1" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = "Prod"
  }
}

run "refuses_environment_2" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = "a-very-long-environment"
  }
}

run "refuses_project_name_1" {
  command         = plan
  expect_failures = [var.project_name]

  variables {
    project_name = "a--b"
  }
}

run "refuses_project_name_2" {
  command         = plan
  expect_failures = [var.project_name]

  variables {
    project_name = "matrx_sandbox"
  }
}

run "refuses_s3_bucket_name_1" {
  command         = plan
  expect_failures = [var.s3_bucket_name]

  variables {
    s3_bucket_name = "ab"
  }
}

run "refuses_s3_bucket_name_2" {
  command         = plan
  expect_failures = [var.s3_bucket_name]

  variables {
    s3_bucket_name = "Upper-case"
  }
}

run "refuses_s3_bucket_name_3" {
  command         = plan
  expect_failures = [var.s3_bucket_name]

  variables {
    s3_bucket_name = "with.dots"
  }
}

run "refuses_s3_bucket_name_4" {
  command         = plan
  expect_failures = [var.s3_bucket_name]

  variables {
    s3_bucket_name = "ends-in-dash-"
  }
}

run "refuses_s3_bucket_name_5" {
  command         = plan
  expect_failures = [var.s3_bucket_name]

  variables {
    s3_bucket_name = "xn--name"
  }
}

run "refuses_s3_bucket_name_6" {
  command         = plan
  expect_failures = [var.s3_bucket_name]

  variables {
    s3_bucket_name = "name-s3alias"
  }
}

run "refuses_noncurrent_version_days_1" {
  command         = plan
  expect_failures = [var.noncurrent_version_days]

  variables {
    noncurrent_version_days = 6
  }
}

run "refuses_noncurrent_version_days_2" {
  command         = plan
  expect_failures = [var.noncurrent_version_days]

  variables {
    noncurrent_version_days = 7.5
  }
}

run "refuses_log_retention_days_1" {
  command         = plan
  expect_failures = [var.log_retention_days]

  variables {
    log_retention_days = 31
  }
}

run "refuses_ecr_repo_arn_1" {
  command         = plan
  expect_failures = [var.ecr_repo_arn]

  variables {
    ecr_repo_arn = "arn:aws:ecr:us-east-1:123456789012:repository/*"
  }
}

run "refuses_ecr_repo_arn_2" {
  command         = plan
  expect_failures = [var.ecr_repo_arn]

  variables {
    ecr_repo_arn = "my-repository"
  }
}

run "refuses_ec2_instance_type_1" {
  command         = plan
  expect_failures = [var.ec2_instance_type]

  variables {
    ec2_instance_type = "large"
  }
}

run "refuses_ec2_instance_type_2" {
  command         = plan
  expect_failures = [var.ec2_instance_type]

  variables {
    ec2_instance_type = "t3.micro"
  }
}

run "refuses_ec2_ami_id_1" {
  command         = plan
  expect_failures = [var.ec2_ami_id]

  variables {
    ec2_ami_id = "ami-xyz"
  }
}

run "refuses_ec2_key_pair_name_1" {
  command         = plan
  expect_failures = [var.ec2_key_pair_name]

  variables {
    ec2_key_pair_name = ""
  }
}

run "refuses_ec2_spot_max_price_1" {
  command         = plan
  expect_failures = [var.ec2_spot_max_price]

  variables {
    ec2_spot_max_price = "cheap"
    ec2_use_spot       = true
  }
}

run "refuses_ec2_spot_max_price_2" {
  command         = plan
  expect_failures = [var.ec2_spot_max_price]

  variables {
    ec2_spot_max_price = "0.0"
    ec2_use_spot       = true
  }
}

run "refuses_ec2_spot_max_price_3" {
  command         = plan
  expect_failures = [var.ec2_spot_max_price]

  variables {
    ec2_spot_max_price = "0.08"
  }
}

run "refuses_root_volume_gib_1" {
  command         = plan
  expect_failures = [var.root_volume_gib]

  variables {
    root_volume_gib = 8
  }
}

run "refuses_vpc_id_1" {
  command         = plan
  expect_failures = [var.vpc_id]

  variables {
    vpc_id    = "vpc-1"
    subnet_id = "subnet-0123456789abcdef0"
  }
}

run "refuses_vpc_id_2" {
  command         = plan
  expect_failures = [var.vpc_id]

  variables {
    vpc_id = "vpc-0123456789abcdef0"
  }
}

run "refuses_subnet_id_1" {
  command         = plan
  expect_failures = [var.subnet_id]

  variables {
    subnet_id = "subnet-1"
    vpc_id    = "vpc-0123456789abcdef0"
  }
}

run "refuses_create_vpc_1" {
  command         = plan
  expect_failures = [var.create_vpc]

  variables {
    create_vpc = true
    vpc_id     = "vpc-0123456789abcdef0"
    subnet_id  = "subnet-0123456789abcdef0"
  }
}

run "refuses_vpc_cidr_1" {
  command         = plan
  expect_failures = [var.vpc_cidr]

  variables {
    vpc_cidr = "10.80.0.1/24"
  }
}

run "refuses_vpc_cidr_2" {
  command         = plan
  expect_failures = [var.vpc_cidr]

  variables {
    vpc_cidr = "10.80.0.0/27"
  }
}

run "refuses_vpc_cidr_3" {
  command         = plan
  expect_failures = [var.vpc_cidr]

  variables {
    vpc_cidr = "10.42.0.0/24"
  }
}

run "refuses_vpc_cidr_4" {
  command         = plan
  expect_failures = [var.vpc_cidr]

  variables {
    vpc_cidr = "10.0.0.0/8"
  }
}

run "refuses_ssh_cidr_blocks_1" {
  command         = plan
  expect_failures = [var.ssh_cidr_blocks]

  variables {
    ssh_cidr_blocks = ["203.0.113.7"]
  }
}

run "refuses_ssh_cidr_blocks_2" {
  command         = plan
  expect_failures = [var.ssh_cidr_blocks]

  variables {
    ssh_cidr_blocks = ["203.0.113.7/24"]
  }
}

run "refuses_ssh_cidr_blocks_3" {
  command         = plan
  expect_failures = [var.ssh_cidr_blocks]

  variables {
    ssh_cidr_blocks = ["0.0.0.0/0"]
  }
}

run "refuses_ssh_cidr_blocks_4" {
  command         = plan
  expect_failures = [var.ssh_cidr_blocks]

  variables {
    ssh_cidr_blocks = ["2001:db8::/32"]
  }
}

run "refuses_api_cidr_blocks_1" {
  command         = plan
  expect_failures = [var.api_cidr_blocks]

  variables {
    api_cidr_blocks = ["everyone"]
  }
}

run "refuses_api_cidr_blocks_2" {
  command         = plan
  expect_failures = [var.api_cidr_blocks]

  variables {
    api_cidr_blocks = ["10.0.0.1/8"]
  }
}

run "refuses_data_volume_gib_1" {
  command         = plan
  expect_failures = [var.data_volume_gib]

  variables {
    data_volume_gib = 8
  }
}

run "refuses_k3s_version_1" {
  command         = plan
  expect_failures = [var.k3s_version]

  variables {
    k3s_version = "latest"
    k3s_sha256  = "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f"
  }
}

run "refuses_k3s_version_2" {
  command         = plan
  expect_failures = [var.k3s_version]

  variables {
    k3s_version = "v1.36.4+k3s1"
  }
}

run "refuses_k3s_sha256_1" {
  command         = plan
  expect_failures = [var.k3s_sha256]

  variables {
    k3s_version = "v1.36.4+k3s1"
    k3s_sha256  = "835873"
  }
}

run "refuses_datastore_parameter_1" {
  command         = plan
  expect_failures = [var.datastore_parameter]

  variables {
    datastore_parameter = "postgres://user:password@host/k3s"
  }
}

run "refuses_datastore_parameter_2" {
  command         = plan
  expect_failures = [var.datastore_parameter]

  variables {
    datastore_parameter = "/other/datastore"
  }
}

run "refuses_release_url_1" {
  command         = plan
  expect_failures = [var.release_url]

  variables {
    release_url    = "one.tar.gz"
    release_sha256 = "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f"
    product_image  = "registry.example/product:one"
    sandbox_image  = "registry.example/sandbox:one"
  }
}

run "refuses_release_url_2" {
  command         = plan
  expect_failures = [var.release_url]

  variables {
    release_url = "https://example.com/one.tar.gz"
  }
}

run "refuses_release_sha256_1" {
  command         = plan
  expect_failures = [var.release_sha256]

  variables {
    release_url    = "https://example.com/one.tar.gz"
    release_sha256 = "sha256:0"
    product_image  = "registry.example/product:one"
    sandbox_image  = "registry.example/sandbox:one"
  }
}

run "refuses_product_image_1" {
  command         = plan
  expect_failures = [var.product_image]

  variables {
    release_url    = "https://example.com/one.tar.gz"
    release_sha256 = "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f"
    product_image  = "product"
    sandbox_image  = "registry.example/sandbox:one"
  }
}

run "refuses_sandbox_image_1" {
  command         = plan
  expect_failures = [var.sandbox_image]

  variables {
    release_url    = "https://example.com/one.tar.gz"
    release_sha256 = "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f"
    product_image  = "registry.example/product:one"
    sandbox_image  = "Sandbox:one"
  }
}

run "refuses_github_repository_1" {
  command         = plan
  expect_failures = [var.github_repository]

  variables {
    github_repository = "https://github.com/owner/repository"
  }
}

run "refuses_github_repository_2" {
  command         = plan
  expect_failures = [var.github_repository]

  variables {
    github_repository = "owner/*"
  }
}

run "refuses_github_environment_1" {
  command         = plan
  expect_failures = [var.github_environment]

  variables {
    github_repository  = "owner/repository"
    github_environment = "prod:ref"
  }
}

run "refuses_github_environment_2" {
  command         = plan
  expect_failures = [var.github_environment]

  variables {
    github_environment = "prod"
  }
}

run "refuses_github_oidc_provider_arn_1" {
  command         = plan
  expect_failures = [var.github_oidc_provider_arn]

  variables {
    github_repository        = "owner/repository"
    github_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/gitlab.com"
  }
}

run "refuses_github_oidc_provider_arn_2" {
  command         = plan
  expect_failures = [var.github_oidc_provider_arn]

  variables {
    github_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }
}

run "refuses_domain_name_1" {
  command         = plan
  expect_failures = [var.domain_name]

  variables {
    domain_name     = "https://sandboxes.example.com"
    route53_zone_id = "Z0123456789ABCDEFGHIJ"
  }
}

run "refuses_domain_name_2" {
  command         = plan
  expect_failures = [var.domain_name]

  variables {
    domain_name     = "a-label-of-some-length.and-another-one-of-that-length.example-of-it.com"
    route53_zone_id = "Z0123456789ABCDEFGHIJ"
  }
}

run "refuses_domain_name_3" {
  command         = plan
  expect_failures = [var.domain_name]

  variables {
    domain_name = "sandboxes.example.com"
  }
}

run "refuses_route53_zone_id_1" {
  command         = plan
  expect_failures = [var.route53_zone_id]

  variables {
    domain_name     = "sandboxes.example.com"
    route53_zone_id = "example.com"
  }
}

run "refuses_load_balancer_subnet_ids_1" {
  command         = plan
  expect_failures = [var.load_balancer_subnet_ids]

  variables {
    vpc_id                   = "vpc-0123456789abcdef0"
    subnet_id                = "subnet-0123456789abcdef0"
    domain_name              = "sandboxes.example.com"
    route53_zone_id          = "Z0123456789ABCDEFGHIJ"
    load_balancer_subnet_ids = ["subnet-1", "subnet-2"]
  }
}

run "refuses_load_balancer_subnet_ids_2" {
  command         = plan
  expect_failures = [var.load_balancer_subnet_ids]

  variables {
    vpc_id                   = "vpc-0123456789abcdef0"
    subnet_id                = "subnet-0123456789abcdef0"
    domain_name              = "sandboxes.example.com"
    route53_zone_id          = "Z0123456789ABCDEFGHIJ"
    load_balancer_subnet_ids = ["subnet-0123456789abcdef0"]
  }
}

run "refuses_load_balancer_subnet_ids_3" {
  command         = plan
  expect_failures = [var.load_balancer_subnet_ids]

  variables {
    vpc_id          = "vpc-0123456789abcdef0"
    subnet_id       = "subnet-0123456789abcdef0"
    domain_name     = "sandboxes.example.com"
    route53_zone_id = "Z0123456789ABCDEFGHIJ"
  }
}

run "refuses_load_balancer_subnet_ids_4" {
  command         = plan
  expect_failures = [var.load_balancer_subnet_ids]

  variables {
    domain_name              = "sandboxes.example.com"
    route53_zone_id          = "Z0123456789ABCDEFGHIJ"
    load_balancer_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  }
}

run "refuses_worker_count_1" {
  command         = plan
  expect_failures = [var.worker_count]

  variables {
    worker_count = 1.5
  }
}

run "refuses_worker_count_2" {
  command         = plan
  expect_failures = [var.worker_count]

  variables {
    worker_count = -1
  }
}

run "refuses_worker_instance_type_1" {
  command         = plan
  expect_failures = [var.worker_instance_type]

  variables {
    worker_count         = 1
    worker_instance_type = "t3.small"
  }
}

run "refuses_worker_instance_type_2" {
  command         = plan
  expect_failures = [var.worker_instance_type]

  variables {
    worker_instance_type = "t3.large"
  }
}
