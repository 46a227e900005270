locals {
  images                   = toset(["product", "sandbox"])
  own_repository_arns      = [for repository in aws_ecr_repository.image : repository.arn]
  pullable_repository_arns = concat(local.own_repository_arns, var.ecr_repo_arn == null ? [] : [var.ecr_repo_arn])
}

resource "aws_ecr_repository" "image" {
  for_each             = local.images
  name                 = "${local.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "image" {
  for_each   = aws_ecr_repository.image
  repository = each.value.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Images without a tag: nothing refers to them"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
      action       = { type = "expire" }
    }]
  })
}
